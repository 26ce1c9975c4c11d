"""A client library that is missing, or cannot be loaded: what needs it says which and what to
install, and everything else goes on."""
import json

import pytest
from test_halfpipe import document

REGEXP = document({"g": [
    ("t", "GenerateRows", {"fieldNamesValuesCSV": "t:21/11", "numRows": "1"}),
    ("m", "FieldMapper", {"readDataFromStep": "t"}, [
        {"type": "RegexpReplace", "data": {"fieldName": "t", "regexpMatch": "1",
                                           "regexpReplace": "2", "resultField": "r"}}])]})
WEBHOOK = {"copy": "orders.csv", "to": "orders.jsonl",
           "hooks": {"before": {"webhook": "http://127.0.0.1:9/"}}}
FILES = {"orders.csv": "id,total\n1,9.25\n2,7\n", "pipe.yaml": "copy: orders.csv\nto: o.jsonl\n",
         "regexp.json": json.dumps(REGEXP), "webhook.json": json.dumps(WEBHOOK)}

NEEDS = [
    ("libsqlite3.so", "0", "libsqlite3-0", ["cp", "orders.csv", "shop.db"]),
    ("libpq.so", "5", "libpq5", ["streams", "postgres://u@127.0.0.1:9/d"]),
    ("libcrypto.so", "3", "libssl3", ["config", "connections", "add", "c", "postgres://u:p@h/d"]),
    ("libyaml-0.so", "2", "libyaml-0-2", ["pipe", "check", "pipe.yaml"]),
    ("libpcre2-8.so", "0", "libpcre2-8-0", ["hp", "pipe", "-f", "regexp.json"]),
    ("libcurl.so", "4", "libcurl4", ["pipe", "run", "webhook.json"]),
]


@pytest.fixture
def without(leat):
    """Call it with libraries: the program finds files of their names that are none."""
    folder = leat.home / "broken"
    folder.mkdir()
    leat.env["LD_LIBRARY_PATH"] = str(folder)
    for name, text in FILES.items():
        (leat.home / name).write_text(text, encoding="utf-8")

    def hide(stem, version):
        for name in (stem, f"{stem}.{version}"):
            (folder / name).write_bytes(b"no library\n" * 100)

    return hide


@pytest.mark.quick
@pytest.mark.parametrize("stem, version, package, command", NEEDS, ids=[n[0] for n in NEEDS])
def test_a_missing_library_is_named_with_its_package(leat, without, stem, version, package,
                                                     command):
    without(stem, version)
    done = leat(*command)
    assert done.returncode in (1, 2), done
    line = next(line for line in done.stderr.splitlines() if f"{stem}.{version}: " in line)
    assert package in line.split("; ")[-1], done.stderr
    assert not (leat.home / "orders.jsonl").exists()


def test_files_are_copied_without_any_library_that_is_loaded_later(leat, without):
    for stem, version, _, _ in NEEDS:
        without(stem, version)
    without("libisal.so", "2")
    done = leat.ok("cp", "orders.csv", "orders.csv.gz")
    assert "2 rows" in done.stderr
    warning = next(line for line in done.stderr.splitlines() if "not recorded" in line)
    assert "libsqlite3.so.0" in warning and "install the package libsqlite3-0" in warning
    leat.ok("cp", "orders.csv.gz", "again.csv", "--state", "none")
    assert (leat.home / "again.csv").read_text(encoding="utf-8") == FILES["orders.csv"]


def test_a_codec_whose_library_is_missing_fails_before_the_file_is_made(leat, without):
    for stem, version, package, codec in (("libsnappy.so", "1", "libsnappy1v5", "snappy"),
                                          ("libbrotlienc.so", "1", "libbrotli1", "brotli")):
        without(stem, version)
        done = leat.fails((1, 2), "module-missing", "cp", "orders.csv",
                          f"parquet:{codec}.parquet?compression={codec}")
        assert f"{stem}.{version}" in done.stderr and package in done.stderr
        assert not (leat.home / f"{codec}.parquet").exists()


def test_a_run_without_a_home_says_how_to_keep_its_record(leat, without):
    del leat.env["HOME"], leat.env["XDG_STATE_HOME"]
    done = leat.ok("cp", "orders.csv", "orders.jsonl")
    warning = next(line for line in done.stderr.splitlines() if "not recorded" in line)
    assert "HOME" in warning and "--state PATH" in warning
