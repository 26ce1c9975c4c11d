"""Draws what copies cost as the work grows: wall seconds, client CPU seconds and peak memory over
the number of rows and over the number of columns.

    .venv/bin/python bench/curves.py [--rows-max 30000000] [--cells 20000000] [--out docs/cost.svg]

The figures go beside the picture as a CSV file. Each point is the median of --runs runs, the arms
taking turns."""
import argparse
import csv
import math
import os
import pathlib
import statistics
import tempfile

import arms
import data
import measure
import workloads
from server import MIB, ROOT, Bench, Server

ROWS = [10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000]
COLUMNS = [1, 3, 10, 30, 100, 200, 400]
NARROW = """CREATE TABLE {name} AS SELECT g AS id, timestamp '2024-01-01' +
  make_interval(secs => g % 864000) AS at, 'user' || g % 10000 AS name, g / 7.0::float8 AS score
  FROM generate_series(1::bigint, {rows}) g"""
MEASURES = [("wall", "seconds"), ("client", "CPU seconds"), ("peak", "MiB")]
COLORS = {"leat, PostgreSQL to PostgreSQL": "#1f6feb", "leat, PostgreSQL to Parquet": "#1a7f37",
          "psql csv | duckdb to Parquet": "#bf5700", "reading only, in C": "#6e7781"}


def commands(bench):
    source = "{url}#public.curve"
    duck = workloads.pg_to_parquet("curve").arms
    pipe = next(a for a in duck if a.name == "psql csv | duckdb")
    found = {
        "reading only, in C": lambda: [[bench.limit, "read", bench.url, "SELECT * FROM curve"]],
        "leat, PostgreSQL to PostgreSQL": lambda: arms.leat(
            "leat", source, "{url}#public.curve_dst", "--append").command(bench),
        "leat, PostgreSQL to Parquet": lambda: arms.leat(
            "leat", source, "{dir}/out.parquet").command(bench)}
    if not pipe.missing(bench):
        found["psql csv | duckdb to Parquet"] = lambda: pipe.command(bench)
    return found


def point(bench, sql, rows, runs):
    """The medians of every arm on one table."""
    bench.server.sql("DROP TABLE IF EXISTS curve, curve_dst")
    bench.server.sql(sql.format(name="curve", rows=rows))
    bench.server.sql("VACUUM ANALYZE curve")
    bench.server.sql("CREATE TABLE curve_dst (LIKE curve)")
    taken = {}
    for _ in range(runs):
        for name, command in commands(bench).items():
            bench.server.sql("TRUNCATE curve_dst")
            bench.path("out.parquet").unlink(missing_ok=True)
            taken.setdefault(name, []).append(
                measure.run(command(), bench.environment, bench.server.pid))
            arrived = int(bench.server.sql("SELECT count(*) FROM curve_dst"))
            if "PostgreSQL to PostgreSQL" in name and arrived != rows:
                raise measure.Failed(f"{name}: not all rows arrived")
    return {name: {key: statistics.median(getattr(r, key) for r in several)
                   / (MIB if key == "peak" else 1) for key, _ in MEASURES}
            for name, several in taken.items()}


# --- the picture ----------------------------------------------------------------------------------

WIDTH, HEIGHT, LEFT, TOP, GAP = 300, 190, 56, 56, 70


def scale(values, length, low=None):
    """A logarithmic axis: where a value lies, and its marks."""
    first = math.floor(math.log10(low or min(v for v in values if v > 0)))
    last = max(math.ceil(math.log10(max(values))), first + 1)
    return (lambda v: (math.log10(max(v, 10 ** first)) - first) / (last - first) * length,
            [10 ** e for e in range(first, last + 1)])


def short(value):
    for size, mark in ((10**6, " M"), (10**3, " k")):
        if value >= size:
            return f"{value / size:g}{mark}"
    return f"{value:g}"


def panel(left, top, title, unit, points, key):
    """One chart: points are (x, {arm: {measure: value}})."""
    across, x_marks = scale([x for x, _ in points], WIDTH)
    up, y_marks = scale([arm[key] for _, taken in points for arm in taken.values()], HEIGHT,
                        0.01 if key != "peak" else None)
    out = [f'<text x="{left}" y="{top - 10}" class="title">{title}, {unit}</text>',
           f'<rect x="{left}" y="{top}" width="{WIDTH}" height="{HEIGHT}" class="frame"/>']
    for mark in x_marks:
        x = left + across(mark)
        out.append(f'<path d="M{x:.1f} {top}v{HEIGHT}" class="grid"/>'
                   f'<text x="{x:.1f}" y="{top + HEIGHT + 14}" class="mid">{short(mark)}</text>')
    for mark in y_marks:
        y = top + HEIGHT - up(mark)
        out.append(f'<path d="M{left} {y:.1f}h{WIDTH}" class="grid"/>'
                   f'<text x="{left - 5}" y="{y + 4:.1f}" class="end">{short(mark)}</text>')
    for name, color in COLORS.items():
        line = [(left + across(x), top + HEIGHT - up(taken[name][key]))
                for x, taken in points if name in taken]
        spots = " ".join(f"{x:.1f},{y:.1f}" for x, y in line)
        out.append(f'<polyline points="{spots}" fill="none" stroke="{color}" stroke-width="2"/>')
        out += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.5" fill="{color}"/>' for x, y in line]
    return out


def picture(series):
    width = LEFT + 3 * (WIDTH + GAP)
    height = TOP + len(series) * (HEIGHT + 64) + 10
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
           'font-family="sans-serif" font-size="11">',
           "<style>.title{font-weight:bold}.frame{fill:none;stroke:#8c959f}.grid{stroke:#d0d7de}"
           ".mid{text-anchor:middle}.end{text-anchor:end}</style>",
           f'<rect width="{width}" height="{height}" fill="white"/>']
    for i, (name, color) in enumerate(COLORS.items()):
        out.append(f'<rect x="{LEFT + i * 235}" y="8" width="12" height="12" fill="{color}"/>'
                   f'<text x="{LEFT + 18 + i * 235}" y="18">{name}</text>')
    for row, (title, points) in enumerate(series):
        for column, (key, unit) in enumerate(MEASURES):
            out += panel(LEFT + column * (WIDTH + GAP), TOP + row * (HEIGHT + 64), title, unit,
                         points, key)
    return "\n".join(out + ["</svg>\n"])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    env = os.environ.get
    parser.add_argument("--rows-max", type=int, default=int(env("BENCH_ROWS_MAX", "30000000")))
    parser.add_argument("--cells", type=int, default=int(env("BENCH_CELLS", "20000000")))
    parser.add_argument("--runs", type=int, default=int(env("BENCH_RUNS", "3")))
    parser.add_argument("--out", default=str(ROOT / "docs/cost.svg"))
    parser.add_argument("--peers", default=env("BENCH_PEERS", str(ROOT / "build/peers")))
    options = parser.parse_args()
    out = pathlib.Path(options.out)
    with Server() as server, tempfile.TemporaryDirectory(prefix="leat-bench-") as folder:
        bench = Bench(server, pathlib.Path(folder), pathlib.Path(options.peers))
        by_rows = [(n, point(bench, NARROW, n, options.runs))
                   for n in ROWS if n <= options.rows_max]
        by_columns = [(n, point(bench, data.columns_sql(n), options.cells // n, options.runs))
                      for n in COLUMNS]
    series = [("rows of 4 columns", by_rows),
              (f"columns, {short(options.cells)} values in all", by_columns)]
    out.write_text(picture(series), encoding="utf-8")
    with open(out.with_suffix(".csv"), "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["over", "x", "arm", *(f"{key}, {unit}" for key, unit in MEASURES)])
        for title, points in series:
            for x, taken in points:
                for name, values in taken.items():
                    writer.writerow([title, x, name, *(f"{values[k]:.3f}" for k, _ in MEASURES)])


if __name__ == "__main__":
    main()
