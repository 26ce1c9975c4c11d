"""Measures leat against what is possible and against its peers, and writes one table.

    bench/run [--table leads,lineitem] [--rows 1000000] [--runs 5] [--only WORDS...] [--skip ARMS...]
    bench/run --report FIGURES.json... | --readme FIGURES.json...

Arms of one workload take turns, run after run, so that what the machine does besides meets all of
them alike. L is one connection reading the table by COPY binary to nowhere, an arm like others."""
import argparse
import datetime
import json
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import tempfile

import arms
import data
import measure
import places
import readme
import report
import workloads
from server import ROOT, Bench, Server


def arrived(bench, workload, arm, first):
    """Whether all rows and values came. leat has to bring every value, every time; of a peer the
    values are looked at once, and it may bring rows only."""
    place = arm.place or workload.place
    if arm.kind == arms.LEAT or first:
        try:
            if place.total(bench, workload.table) == place.wanted(bench, workload.table):
                return True
            why = "what arrived is not what was sent"
        except places.Unreadable as fault:
            why = f"what arrived cannot be compared: {fault}"
        if arm.kind == arms.LEAT:
            raise measure.Failed(why)
    try:
        rows = place.rows(bench)
    except places.Unreadable as fault:
        raise measure.Failed(f"what arrived cannot be read: {fault}") from fault
    wanted = int(place.wanted(bench, workload.table).split()[0])
    if rows != wanted:
        raise measure.Failed(f"{rows:,} of {wanted:,} rows arrived")
    return not first


def make_ready(bench, workload, arm):
    (arm.place or workload.place).reset(bench, workload.table, arm)
    subprocess.run(["rm", "-rf", bench.path("dlt"), bench.path("dlt_out")], check=True)
    if arm.file:
        name, text = arm.file
        bench.path(name).write_text(text.format(**bench.names), encoding="utf-8")
    if workload.table != "tiny":
        bench.server.sql("CHECKPOINT")


def once(bench, workload, arm, log, patience):
    make_ready(bench, workload, arm)
    taken = measure.run(arm.command(bench), bench.environment, bench.server.pid,
                        bench.path(arm.out) if arm.out else None, log, patience)
    taken.elapsed = taken.wall
    if arm.printed:
        taken.wall, taken.client = map(float, taken.output.split())
    taken.size = 0 if arm.name == arms.L else (arm.place or workload.place).size(bench)
    return taken


class Entry:
    """What is known of an arm: its runs, or the reason why there are none."""

    def __init__(self, arm, missing):
        self.arm, self.runs, self.exact = arm, [], True
        self.reason = "not installed: " + ", ".join(missing) if missing else ""

    def spent(self, budget):
        """A peer that has had its time takes no more turns; its figures are of those it had."""
        return self.arm.kind == arms.PEER and sum(r.elapsed for r in self.runs) > budget

    def figures(self):
        return {"name": self.arm.name, "kind": self.arm.kind, "reason": self.reason,
                "printed": self.arm.printed, "exact": self.exact,
                "runs": [{key: round(getattr(r, key), 4) for key in
                          ("wall", "client", "server", "peak", "size")} for r in self.runs]}


def take_turn(bench, workload, entry, log, patience):
    """One run of one arm; when it fails the arm is out, and the log says why."""
    log.write(f"--- {workload.name}: {entry.arm.name}\n".encode())
    begin = log.tell()
    try:
        entry.runs.append(once(bench, workload, entry.arm, log, patience))
        if entry.arm.kind != arms.LIMIT:
            entry.exact &= arrived(bench, workload, entry.arm, len(entry.runs) == 1)
    except (measure.Failed, subprocess.CalledProcessError, ValueError) as fault:
        log.seek(begin)
        said = log.read().decode(errors="replace") if "exit" in str(fault) else ""
        log.seek(0, os.SEEK_END)
        log.write(f"{fault}\n".encode())
        entry.reason, entry.runs = measure.last_error(said) or str(fault), []
        print(f"  {entry.arm.name}: {entry.reason}", file=sys.stderr)


def run_workload(bench, workload, options, log):
    """The figures of one workload."""
    entries = [Entry(arm, arm.missing(bench)) for arm in workload.arms
               if not any(word in arm.name for word in options.skip)]
    for name in workload.inputs:
        bench.need(workload.table, name)
    for turn in range(options.runs):
        for entry in entries:
            if not entry.reason and not entry.spent(options.budget):
                take_turn(bench, workload, entry, log, options.patience)
        print(f"  {workload.name}: {turn + 1} of {options.runs}", file=sys.stderr, flush=True)
    return {"key": workload.key, "name": workload.name, "turns": options.runs, "table": workload.table,
            "rows": int(workload.place.wanted(bench, workload.table).split()[0]),
            "is_file": workload.place.is_file, "arms": [e.figures() for e in entries]}


def wanted(options, workload):
    return not options.only or any(word == workload.key or word in workload.name
                                   for word in options.only)


def measured(bench, options, log):
    """Every workload that was asked for, one after the other; tables are made when first wanted."""
    for table in options.table.split(","):
        some = [w for w in workloads.workloads(table) if wanted(options, w)]
        if some:
            bench.make(table, options.rows)
        for workload in some:
            yield run_workload(bench, workload, options, log)
    tiny = workloads.tiny_tables(options.tiny)
    if options.tiny and wanted(options, tiny):
        data.make_tiny(bench.server, options.tiny)
        yield run_workload(bench, tiny, options, log)


PLACES = ("--peers", "--dir", "--out", "--figures")


def command_shown(arguments):
    """The command of this run, without the options that name places of this machine only."""
    shown = ["bench/run"]
    for before, word in zip(["", *arguments], arguments):
        if before not in PLACES and word.split("=")[0] not in PLACES:
            shown.append(word)
    return shlex.join(shown)


def file_system(folder):
    kind = subprocess.run(["stat", "-f", "-c", "%T", str(folder)], check=True, text=True,
                          capture_output=True).stdout.strip()
    return {"ext2/ext3": "ext4"}.get(kind, kind)


def run(options):
    """Writes figures and tables after every workload: a run that is cut keeps what it has."""
    pathlib.Path(options.figures).parent.mkdir(parents=True, exist_ok=True)
    with Server() as server, tempfile.TemporaryDirectory(prefix="leat-bench-",
                                                         dir=options.dir) as folder, \
            open(ROOT / "build/bench.log", "a+b", buffering=0) as log:
        log.truncate(0)
        bench = Bench(server, pathlib.Path(folder), pathlib.Path(options.peers))
        figures = {"date": datetime.date.today().isoformat(), "runs": options.runs,
                   "command": command_shown(sys.argv[1:]), "cores": os.cpu_count(),
                   "server": "PostgreSQL " + server.version(),
                   "server_on": file_system(server.root), "files_on": file_system(folder),
                   "workloads": []}
        for one in measured(bench, options, log):
            figures["workloads"].append(one)
            print(report.table(one), flush=True)
            pathlib.Path(options.figures).write_text(json.dumps(figures, indent=1) + "\n",
                                                     encoding="utf-8")
            if options.out:
                pathlib.Path(options.out).write_text(report.whole([figures]), encoding="utf-8")
    print(report.targets_table([figures]))


def read(names):
    """Runs in order; of a workload that was measured again the last one counts."""
    several = [json.loads(pathlib.Path(name).read_text(encoding="utf-8")) for name in names]
    last = {(w["name"], w["rows"], *sorted(a["name"] for a in w["arms"])): w
            for one in several for w in one["workloads"]}
    for one in several:
        one["workloads"] = [w for w in one["workloads"] if any(w is kept for kept in last.values())]
    return several


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    env = os.environ.get
    add = parser.add_argument
    add("--table", default=env("BENCH_TABLE", "leads,lineitem"),
        help="of " + ", ".join(sorted(data.TABLES)) + "; several with commas [%(default)s]")
    add("--rows", type=int, default=int(env("BENCH_ROWS", "1000000")))
    add("--runs", type=int, default=int(env("BENCH_RUNS", "5")))
    add("--tiny", type=int, default=int(env("BENCH_TINY", "1000")), help="tiny tables; 0: none")
    add("--only", nargs="+", default=[], metavar="WORDS",
        help="workloads whose name holds one of these, or whose key is one")
    add("--skip", nargs="+", default=[], metavar="ARM", help="arms whose name holds one of these")
    add("--patience", type=float, default=600, help="seconds after which an arm is ended [600]")
    add("--budget", type=float, default=300,
        help="seconds in all after which a peer takes no more turns in a workload [300]")
    add("--dir", default=env("BENCH_DIR"), help="where files are read and written [TMPDIR]")
    add("--peers", default=env("BENCH_PEERS", str(ROOT / "build/peers")))
    add("--figures", default=str(ROOT / "build/bench.json"), help="the figures go here, as JSON")
    add("--out", default="", help="the tables go here too")
    add("--report", nargs="+", default=[], metavar="FIGURES", help="only print tables of figures")
    add("--readme", nargs="+", default=[], metavar="FIGURES",
        help="only put the tables of figures into README.md, between its marks, and docs/measured.md")
    return parser.parse_args()


def main():
    # A run that is told to end stops its server.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = arguments()
    if options.report:
        print(report.whole(read(options.report)), end="")
    elif options.readme:
        readme.put(ROOT, read(options.readme))
    else:
        run(options)


if __name__ == "__main__":
    main()
