"""Puts the tables of figures into the README, between two marks, so that none is typed by hand."""
import arms
import report

BEGIN, END = "<!-- figures of bench/run: made by `bench/run --readme` -->", "<!-- end of figures -->"
COLUMNS = ("wall/L", "client CPU s", "rows per client CPU s", "peak MiB", "file MiB")


def title(workload):
    """A workload's name without its table."""
    return workload["name"].removeprefix(workload["table"] + ": ")


def by_title(several):
    """Workloads of different tables beside each other."""
    found = {}
    for one in several:
        for workload in one["workloads"]:
            found.setdefault(title(workload), {})[workload["table"]] = workload
    return found


def names_of(tables):
    """Arms in order, leat's in bold."""
    return list(dict.fromkeys(arm["name"] for w in tables.values() for arm in w["arms"]))


def cells(workload, name, columns):
    arm = next((a for a in workload["arms"] if a["name"] == name), None)
    if arm is None:
        return [""] * len(columns)
    if not arm["runs"]:
        return [report.cell(arm["reason"])] + [""] * (len(columns) - 1)
    figures = report.figures(workload, arm)
    first = figures["wall/L"] or figures["wall"]
    mark = "" if arm["exact"] or arm["kind"] == arms.LIMIT else " (rows only)"
    return [first + mark, *(figures[c] for c in columns[1:])]


def columns_of(tables):
    some = next(iter(tables.values()))
    first = "wall/L" if report.find(some, arms.L) else "wall"
    return [first, *(c for c in COLUMNS[1:] if c != "file MiB" or some["is_file"])]


def table(name, tables):
    """One workload: a line for each arm and table."""
    columns = columns_of(tables)
    several = len(tables) > 1
    head = [name] + (["rows of"] if several else []) + columns
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    for arm in names_of(tables):
        for i, (key, workload) in enumerate(tables.items()):
            plain = report.cell(arm)
            shown = f"**{plain}**" if arm.startswith("leat") and not arm.endswith(arms.AGAIN) else plain
            label = [shown if i == 0 else ""] + ([key] if several else [])
            lines.append("| " + " | ".join(label + cells(workload, arm, columns)) + " |")
    same = [f"{key} {report.spread_text(report.control(w))}" for key, w in tables.items()
            if report.control(w)]
    if same:
        lines += ["", "leat against itself (A/A), wall: " + ", ".join(same) + "."]
    return "\n".join(lines) + "\n"


def section(several):
    parts = [report.heading(one) for one in several]
    parts += [table(name, tables) for name, tables in by_title(several).items()]
    return "\n".join([*parts, report.targets_table(several)])


def put(path, several):
    text = path.read_text(encoding="utf-8")
    if BEGIN not in text or END not in text:
        raise SystemExit(f"{path}: the marks are missing: {BEGIN} and {END}")
    before, rest = text.split(BEGIN, 1)
    after = rest.split(END, 1)[1]
    path.write_text(f"{before}{BEGIN}\n{section(several)}\n{END}{after}", encoding="utf-8")
