"""The bench's own tables: every target names arms that are there, and is told as met or missed."""
import json
import pathlib
import subprocess
import sys

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
NAMES = """
import targets, workloads
every = [*workloads.workloads("leads"), workloads.tiny_tables(1000)]
arms = {w.key: {a.name for a in w.arms} for w in every}
for t in targets.TARGETS:
    for name in (t.arm, *t.against):
        assert name in arms[t.workload], (t.workload, name)
for key, names in arms.items():
    assert targets.OURS.get(key, "leat") in names, key
"""


def python(*arguments):
    return subprocess.run([sys.executable, *map(str, arguments)], cwd=BENCH, check=True, text=True,
                          capture_output=True).stdout


def arm(name, kind, walls, reason="", peak=10 << 20):
    return {"name": name, "kind": kind, "reason": reason, "printed": False, "exact": True,
            "runs": [{"wall": w, "client": w, "server": w, "peak": peak, "size": 0} for w in walls]}


def figures(leat):
    return {"date": "2026-01-01", "runs": 2, "command": "bench/run", "cores": 2,
            "server": "PostgreSQL 15", "workloads": [{
                "key": "tiny", "name": "3 tables", "table": "tiny", "rows": 3, "turns": 2,
                "is_file": False, "arms": [
                    leat, arm("leat (again)", "leat", [1.0, 1.1]),
                    arm("pg_dump | psql", "peer", [2.0, 2.0]), arm("sling", "peer", [], "no go")]}]}


def report(tmp_path, leat):
    path = tmp_path / "figures.json"
    path.write_text(json.dumps(figures(leat)), encoding="utf-8")
    return python("bench.py", "--report", path)


def test_every_target_names_arms_that_are_measured():
    python("-c", NAMES)


def test_a_target_that_is_kept_is_met_and_a_peer_that_fails_is_told(tmp_path):
    text = report(tmp_path, arm("leat", "leat", [1.0, 1.0]))
    assert "| at most 1 of pg_dump \\| psql | 0.50 (0.50-0.50) | met |" in text
    assert "| sling | no go |" in text
    assert "2 of 2 met." in text


def test_a_target_that_is_missed_says_by_how_much(tmp_path):
    text = report(tmp_path, arm("leat", "leat", [3.0, 3.0], peak=64 << 20))
    assert "1.50 (1.50-1.50) | missed by 50 %" in text
    assert "64 MiB | missed by 100 %" in text
    assert "0 of 2 met." in text


def test_targets_of_an_arm_of_leats_that_failed_are_not_hidden(tmp_path):
    text = report(tmp_path, arm("leat", "leat", [], "what arrived is not what was sent"))
    assert text.count("not measured, without leat") >= 2
