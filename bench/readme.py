"""Puts the figures into the README, between two marks, so that none is typed by hand: one table, in
which every other program is so many times leat in the same turn. docs/measured.md has all there is."""
import arms
import report
import targets

BEGIN = "<!-- figures of bench/run: made by `bench/run --readme` -->"
END = "<!-- end of figures -->"
FULL = "docs/measured.md"
C_PROGRAM = "least C program"
# Columns and the words by which their arms are known, in a pipe by the last; of several the quickest
# is shown.
GROUPS = {"psql, sqlite3, gzip": ("psql", "sqlite3", "pg_dump"),
          "DuckDB, pgcopydb": ("duckdb", "pgcopydb"), "pgloader": ("pgloader",),
          "sling": ("sling",), "dlt": ("dlt",), "ingestr": ("ingestr",)}


def group_of(arm):
    """The column an arm belongs to, or None: leat itself, the unit, and what is in no column."""
    if arm["name"] == arms.L or arm["name"].startswith("leat"):
        return None
    if arm["kind"] == arms.LIMIT:
        return C_PROGRAM
    known = [name for name, words in GROUPS.items() if any(word in arm["name"] for word in words)]
    return known[-1] if known else None


def title(workload):
    """A workload's name without its table."""
    return workload["name"].removeprefix(workload["table"] + ": ")


def ours(workload):
    return report.find(workload, targets.OURS.get(workload["key"], "leat"))


def times(number):
    return f"{number:.2f}" if number < 10 else f"{number:.0f}"


def against(workload, arm):
    """Wall, client CPU and memory of an arm, as multiples of leat's."""
    leat = ours(workload)
    figures = [report.median(report.ratios(arm, [leat], m)) for m in ("wall", "client", "peak")]
    shown = [times(f) for f in figures[:1 if arm["printed"] else 3]]
    return " / ".join(shown) + ("" if arm["exact"] or arm["kind"] == arms.LIMIT else " (rows only)")


def cell(workloads, group):
    """What is shown of a column; `workloads` are the same one of several runs."""
    found = [(w, a) for w in workloads if ours(w) for a in w["arms"] if group_of(a) == group]
    ran = [(w, a) for w, a in found if a["runs"]]
    if not ran:
        return "fails" if found else ""
    workload, arm = min(ran, key=lambda one: report.median(
        report.ratios(one[1], [ours(one[0])], "wall")))
    return against(workload, arm)


def leat_cell(workload):
    figures = report.figures(workload, ours(workload))
    return f"{figures['wall']} / {figures['client CPU s']} s / {figures['peak MiB']} MiB"


def table(name, several):
    """One line for each workload of a table; of several runs the first has leat's own figures."""
    found = {}
    for one in several:
        for workload in one["workloads"]:
            if workload["table"] in (name, "tiny" if name == "leads" else "") and ours(workload):
                found.setdefault(title(workload), []).append(workload)
    groups = [C_PROGRAM, *GROUPS]
    groups = [g for g in groups if any(cell(w, g) for w in found.values())]
    lines = [f"| `{name}` | leat | " + " | ".join(groups) + " |", "|---" * (len(groups) + 2) + "|"]
    lines += [f"| {what} | **{leat_cell(w[0])}** | " + " | ".join(cell(w, g) for g in groups) + " |"
              for what, w in found.items()]
    return "\n".join(lines) + "\n"


def missed(several):
    """The lines that name their own limits, and how many of those against peers are met."""
    own, peers = (report.lines_of(several, which) for which in (targets.own, targets.against_peers))
    rows = [f"- {w['name']}, {line.what}: {line.shown}, {line.limit} wanted: {line.verdict}"
            for w, line in own if not line.met]
    return "\n".join([
        f"{len(own) - len(rows)} of {len(own)} targets are met"
        f"{', all but these:' if rows else '.'}", *rows, "",
        f"Against {', '.join(targets.PEERS)}, wherever they can run (a third of their client CPU, "
        f"and a shorter wall): {sum(line.met for _, line in peers)} of {len(peers)} are met. "
        f"[{FULL}]({FULL}) has every arm, each target, and leat against itself."]) + "\n"


def section(several):
    tables = dict.fromkeys(w["table"] for one in several for w in one["workloads"])
    said = [f"- {one['date']}: `{one['command']}`" for one in several]
    return "\n".join([
        "leat: wall, client CPU seconds, peak memory. The others: the same three as multiples of leat's "
        "in the same turn;\nmedians, the quickest where several are meant; those that only a run with "
        "fewer rows has, of that run. PostgreSQL over\nloopback, "
        f"{several[0]['cores']} cores. *least C program* does the same work and nothing else.", "",
        *said, "", *(table(name, several) for name in tables if name != "tiny"), missed(several)])


def put(root, several):
    path = root / "README.md"
    text = path.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise SystemExit(f"{path}: the marks are missing: {BEGIN} and {END}")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    path.write_text(f"{before}{BEGIN}\n{section(several)}\n{END}{after}", encoding="utf-8")
    (root / FULL).write_text("# Measured\n\nMade by `bench/run --readme`; [bench/README.md]"
                             "(../bench/README.md) says how.\n\n" + report.whole(several),
                             encoding="utf-8")
