"""Puts the tables of figures into the README, between two marks, so that none is typed by hand. The
README has the figures of several tables side by side; docs/measured.md has all of them."""
import arms
import report
import targets

BEGIN = "<!-- figures of bench/run: made by `bench/run --readme` -->"
END = "<!-- end of figures -->"
FULL = "docs/measured.md"
COLUMNS = ("wall/L", "client CPU s", "rows per client CPU s", "peak MiB", "file MiB")


def title(workload):
    """A workload's name without its table."""
    return workload["name"].removeprefix(workload["table"] + ": ")


def by_title(several):
    """Workloads of different tables beside each other: [{table: workload}] by title."""
    found = {}
    for one in several:
        for workload in one["workloads"]:
            found.setdefault(title(workload), {})[workload["table"]] = workload
    return found


def names_of(tables):
    """Arms in order; what the control says is told below the table."""
    names = dict.fromkeys(arm["name"] for w in tables.values() for arm in w["arms"])
    return [name for name in names if not name.endswith(arms.AGAIN)]


def columns_of(workload):
    first = "wall/L" if report.find(workload, arms.L) else "wall"
    return [first, *(c for c in COLUMNS[1:] if c != "file MiB" or workload["is_file"])]


def cells(workload, name, columns):
    """An arm's figures, or the reason why it has none."""
    arm = next((a for a in workload["arms"] if a["name"] == name), None)
    if arm is None or not arm["runs"]:
        return [report.cell(arm["reason"]) if arm else ""] + [""] * (len(columns) - 1)
    figures = report.figures(workload, arm)
    mark = "" if arm["exact"] or arm["kind"] == arms.LIMIT else ", rows only"
    return [figures[columns[0]] + mark, *(figures[c] for c in columns[1:])]


def joined(several):
    """Cells of several tables in one: "1.10 / 1.20"; what all say is said once."""
    return [" / ".join(s or "-" for s in some) if len(set(some)) > 1 else some[0]
            for some in zip(*several)]


def table(name, tables):
    """One workload, a line for each arm."""
    some = list(tables.values())
    columns = columns_of(some[0])
    lines = [f"| {name} | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    for arm in names_of(tables):
        plain = report.cell(arm)
        shown = f"**{plain}**" if arm.startswith("leat") else plain
        lines.append(f"| {shown} | " + " | ".join(
            joined([cells(workload, arm, columns) for workload in some])) + " |")
    same = [report.spread_text(report.control(w)) for w in some if report.control(w)]
    if same:
        lines += ["", "leat against itself (A/A), wall: " + " / ".join(same) + "."]
    return "\n".join(lines) + "\n"


def targets_table(several):
    """The lines that name their own limits, and how many of those against peers are met."""
    rows = [f"| {w['name']} | {line.what} | {line.limit} | {line.shown} | {line.verdict} |"
            for w, line in report.lines_of(several, targets.own)]
    peers = report.lines_of(several, targets.against_peers)
    met = sum(line.met for _, line in peers)
    return "\n".join([
        "| what it was to show | | target | measured | |", "|---|---|---|---|---|", *rows, "",
        f"Against {', '.join(targets.PEERS)}, wherever they can run (a third of their client CPU, "
        f"and a shorter wall): {met} of {len(peers)} lines met; [{FULL}]({FULL}) has each."]) + "\n"


def names_of_tables(several):
    tables = dict.fromkeys(f"{w['rows']:,} rows of `{w['table']}`" for one in several
                           for w in one["workloads"] if w["table"] != "tiny")
    return "Figures are of " + " / ".join(tables) + ".\n"


def section(several):
    parts = [report.heading(one) for one in several] + [names_of_tables(several)]
    parts += [table(name, tables) for name, tables in by_title(several).items()]
    return "\n".join([*parts, targets_table(several)])


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
