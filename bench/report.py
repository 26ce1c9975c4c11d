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
            "peak MiB": "" if arm["printed"] else f"{max(r['peak'] for r in runs) / MIB:,.0f}",
            "file MiB": f"{median([r['size'] for r in runs]) / MIB:.1f}" if runs[0]["size"] else "",
            "arrived": "" if arm["kind"] == arms.LIMIT else
                       "all values" if arm["exact"] else "rows only"}


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


def target_line(workload, target):
    """| what | limit | measured | verdict |, or None where it was not measured."""
    arm = find(workload, target.arm)
    others = [find(workload, name) for name in target.against]
    if not arm or not all(others):
        return None
    limit = target.limit
    limit = limit.get(workload["table"]) if isinstance(limit, dict) else limit
    if limit is None:
        return None
    if others:
        found = ratios(arm, others, target.measure)
        measured, shown, unit = median(found), spread_text(found), ""
        to = " of " + cell(" or ".join(target.against)) + (" (the larger)" if len(others) > 1 else "")
    else:
        measured = max(r[target.measure] for r in arm["runs"]) / MIB
        shown, unit, to = f"{measured:.0f} MiB", " MiB", ""
    word = "at least " if target.at_least() else "at most "
    return (f"| {workload['name']} | {target.arm}: {MEASURES[target.measure]} | {word}{limit:.4g}"
            f"{unit}{to} | {shown} | {verdict(target, limit, measured, control(workload))} |")


def targets_table(several):
    """Every line that the figures tell something of; what failed or is not installed is not there."""
    lines = ["### What it was to show", "", "| workload | arm | target | measured | |",
             "|---|---|---|---|---|"]
    for one in several:
        for workload in one["workloads"]:
            found = [target_line(workload, t) for t in targets.of_workload(workload["key"])]
            lines += [line for line in found if line]
    met = sum(line.split(" | ")[-1].startswith("met") for line in lines[4:])
    return "\n".join(lines + ["", f"{met} of {len(lines) - 4} met."]) + "\n"


def heading(one):
    return (f"{one['date']}, `{one['command']}`: {one['runs']} runs, arms in turn; {one['server']}, "
            f"{one['cores']} cores. wall/L: median, least and greatest of the runs.\n")


def whole(several):
    parts = []
    for one in several:
        parts += [heading(one), *(table(w) for w in one["workloads"])]
    return "\n".join([*parts, targets_table(several)])
