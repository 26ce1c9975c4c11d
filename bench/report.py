"""The tables of a run's figures: one of each workload, and one that holds them against the targets.
Ratios are of runs of one turn: median, least and greatest."""
import statistics

import arms
import targets

MIB = 1 << 20
MEASURES = {"wall": "wall", "client": "client CPU", "rate": "rows per client CPU s",
            "peak": "peak memory", "size": "file size"}


def median(values):
    return statistics.median(values)


def find(workload, name):
    """An arm that has runs, or None."""
    return next((a for a in workload["arms"] if a["name"] == name and a["runs"]), None)


def value(run, measure):
    """A run's figure; of `rate` its inverse is enough for ratios."""
    return 1 / max(run["client"], 0.01) if measure == "rate" else run[measure]


def ratios(arm, others, measure):
    """Of each turn: this arm's figure to the largest of the others', least first."""
    pairs = zip(arm["runs"], *(o["runs"] for o in others))
    return sorted(value(mine, measure) / max(max(value(t, measure) for t in theirs), 1e-4)
                  for mine, *theirs in pairs)


def spread_text(found, digits=2):
    return f"{median(found):.{digits}f} ({found[0]:.{digits}f}-{found[-1]:.{digits}f})"


def control(workload):
    """leat against itself, or nothing: the wall ratios of the arm that is there twice."""
    for arm in workload["arms"]:
        again = find(workload, arm["name"] + arms.AGAIN)
        if again and arm["runs"]:
            return ratios(again, [arm], "wall")
    return []


def over_unit(workload, arm):
    unit = find(workload, arms.L)
    return spread_text(ratios(arm, [unit], "wall")) if unit else ""


def seconds(amount):
    return f"{amount:.2f}" if amount < 100 else f"{amount:.0f}"


def figures(workload, arm):
    """An arm's columns by name."""
    runs = arm["runs"]
    cpu = median([r["client"] for r in runs])
    return {"wall": seconds(median([r["wall"] for r in runs])) + " s",
            "wall/L": over_unit(workload, arm), "client CPU s": seconds(cpu),
            "server CPU s": "" if arm["printed"] else seconds(median([r["server"] for r in runs])),
            "rows per client CPU s": f"{workload['rows'] / max(cpu, 0.01):,.0f}",
            "peak MiB": memory_text(arm),
            "file MiB": f"{median([r['size'] for r in runs]) / MIB:.1f}" if runs[0]["size"] else "",
            "arrived": arrived(workload, arm)}


def memory_text(arm):
    """Nothing where it was over before it was looked at."""
    most = max(r["peak"] for r in arm["runs"])
    return "" if arm["printed"] or not most else f"{most / MIB:,.0f}"


def arrived(workload, arm):
    if arm["kind"] == arms.LIMIT:
        return ""
    fewer = len(arm["runs"]) < workload["turns"]
    return ("all values" if arm["exact"] else "rows only") + (
        f", runs: {len(arm['runs'])}" if fewer else "")


def columns_of(workload):
    return ["wall", *(["wall/L"] if find(workload, arms.L) else []), "client CPU s",
            "server CPU s", "rows per client CPU s", "peak MiB",
            *(["file MiB"] if workload["is_file"] else []), "arrived"]


def cell(text):
    """Text in a table: a pipe would end the cell."""
    return text.replace("|", "\\|")


def table(workload):
    """One workload."""
    names = columns_of(workload)
    lines = [f"### {workload['name']}", "", f"| {workload['rows']:,} rows | " + " | ".join(names) +
             " |", "|---" * (len(names) + 1) + "|"]
    for arm in workload["arms"]:
        if arm["runs"]:
            cells = figures(workload, arm)
            lines.append(f"| {cell(arm['name'])} | " + " | ".join(cells[n] for n in names) + " |")
        else:
            lines.append(f"| {cell(arm['name'])} | {cell(arm['reason'])} |" + " |" * (len(names) - 1))
    same = control(workload)
    if same:
        lines += ["", f"leat against itself (A/A), wall: {spread_text(same)}."]
    return "\n".join(lines) + "\n"


def verdict(target, limit, measured, same):
    """How a figure stands to its limit."""
    if target.at_least():
        return "met" if measured >= limit else f"missed by {100 * (1 - measured / limit):.0f} %"
    if measured <= limit:
        return "met"
    if target.spread and same and measured <= limit * max(same[-1], 1 / same[0]):
        return "met, within the spread of A/A"
    return f"missed by {100 * (measured / limit - 1):.0f} %"


def limit_of(target, table):
    return target.limit.get(table) if isinstance(target.limit, dict) else target.limit


def limit_text(target, limit):
    word = "at least" if target.at_least() else "at most"
    to = " or ".join(target.against) + (" (the larger)" if len(target.against) > 1 else "")
    return f"{word} {limit:.4g} " + (f"of {cell(to)}" if to else "MiB")


class Line:
    """A target as a run met or missed it. `told` is False where it is not shown: an arm was left
    out, or a peer cannot run the workload."""

    def __init__(self, workload, target):
        names = (target.arm, *target.against)
        there = [next((a for a in workload["arms"] if a["name"] == n), None) for n in names]
        limit = limit_of(target, workload["table"])
        self.told = all(there) and limit is not None
        self.met, self.shown = False, ""
        if not self.told:
            return
        self.what = f"{target.arm}: {MEASURES[target.measure]}"
        self.limit = limit_text(target, limit)
        failed = [a["name"] for a in there if not a["runs"]]
        if failed:
            self.told = target.arm in failed or target.against[0] not in targets.PEERS
            self.verdict = cell("not measured, without " + ", ".join(failed))
            return
        self.hold(workload, target, there[0], there[1:], limit)

    def hold(self, workload, target, arm, others, limit):
        if others:
            pairs = ratios(arm, others, target.measure)
            measured, self.shown = median(pairs), spread_text(pairs)
        else:
            measured = max(r[target.measure] for r in arm["runs"]) / MIB
            self.shown = f"{measured:.0f} MiB"
        self.verdict = verdict(target, limit, measured, control(workload))
        self.met = self.verdict.startswith("met")


def lines_of(several, wanted):
    """Of all workloads: pairs of workload and line."""
    found = [(w, Line(w, t)) for one in several for w in one["workloads"] for t in wanted(w["key"])]
    return [(workload, line) for workload, line in found if line.told]


def targets_table(several):
    """Every line that the figures tell something of."""
    found = lines_of(several, targets.of_workload)
    rows = [f"| {w['name']} | {line.what} | {line.limit} | {line.shown} | {line.verdict} |"
            for w, line in found]
    return "\n".join([
        "### What it was to show", "", "| workload | arm | target | measured | |",
        "|---|---|---|---|---|", *rows, "",
        f"{sum(line.met for _, line in found)} of {len(found)} met."]) + "\n"


def places(one):
    """What the server's files and the others lie on; figures of earlier runs do not tell."""
    return (f"the server's files on {one['server_on']}, others on {one['files_on']}"
            if "server_on" in one else "the server's files on disk")


def heading(one):
    return (f"{one['date']}, `{one['command']}`: {one['runs']} runs, arms in turn; {one['server']} "
            f"over loopback, {one['cores']} cores, {places(one)}. Medians; of "
            "ratios also the least and the greatest. L is one connection reading the table by COPY "
            "binary to nowhere.\n")


def whole(several):
    parts = []
    for one in several:
        parts += [heading(one), *(table(w) for w in one["workloads"])]
    return "\n".join([*parts, targets_table(several)])
