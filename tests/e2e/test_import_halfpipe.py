"""leat config import halfpipe: files written here as Halfpipe writes them, by other means than leat's."""
import base64
import json
import os

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY = b"vp;8vJbo$7aPXD^34zxY(LUo]d4EodCP"  # compiled into Halfpipe
SECRET = "hunter2"

CONNECTIONS = f"""\
ora:
  type: oracle
  logicalName: ora
  data:
    dsn: oracle://scott/{SECRET}/@x@//db.example.com:1521/orcl?prefetch_rows=500
snow:
  type: snowflake
  logicalName: snow
  data:
    dsn: snowflake://joe:{SECRET}@acme/db?schema=public&warehouse=wh
mssql:
  type: ""
  logicalName: mssql
  data:
    dsn: sqlserver://sa:{SECRET}@host/db
nz:
  type: netezza
  logicalName: nz
  data:
    dsn: netezza://joe/{SECRET}@//nz:5480/sales?sslmode=require
lake:
  type: s3
  logicalName: lake
  data:
    name: s3://bucket
    prefix: in coming/files
    region: eu-west-1
here:
  type: sqlite
  logicalName: here
  data:
    dsn: sqlite:shop.db
"odd name":
  type: oracle
  logicalName: odd name
  data:
    dsn: oracle://a/b@//c:1/d
broken:
  type: oracle
  logicalName: broken
  data:
    dsn: oracle://nothing
"""

DEFAULTS = """\
commit-batch-size: "5000"
primary-keys: id
delta-driver: LAST_MODIFIED
log-level: info
s3-bucket: bucket
stage: STAGE
max-errors: none
"""


def encrypt(text):
    nonce = os.urandom(12)
    return base64.b64encode(nonce + AESGCM(KEY).encrypt(nonce, text.encode(), None))


@pytest.fixture
def old(leat):
    """~/.halfpipe with both files."""
    folder = leat.home / ".halfpipe"
    folder.mkdir()
    (folder / "connections.yaml").write_bytes(encrypt(CONNECTIONS))
    (folder / "config.yaml").write_bytes(encrypt(DEFAULTS))
    (leat.home / "orders.csv").write_text("id\n1\n", encoding="utf-8")
    leat.ok("cp", "orders.csv", "sqlite:shop.db")
    return folder


@pytest.mark.quick
def test_connections_and_defaults_are_taken_over(leat, old):
    done = leat("config", "import", "halfpipe")
    assert done.returncode == 1, done.stderr  # some were left out
    assert SECRET not in done.stdout + done.stderr
    said = {line.split("  ")[0] + " " + next(part for part in line.split("  ")[1:] if part).strip():
            line for line in done.stdout.splitlines()[2:]}
    for item, words in {
            "connection ora": "no connector for oracle yet", "connection here": "imported",
            "connection snow": "no connector for snowflake yet",
            "connection mssql": "no connector for sqlserver yet",
            "connection nz": "no connector for netezza yet",
            "connection lake": "no connector for s3 yet",
            "connection odd name": "left out", "connection broken": "left out",
            "default commit-batch-size": "imported", "default primary-keys": "imported as key",
            "default delta-driver": "imported as cursor", "default log-level": "imported",
            "default s3-bucket": "left out", "default stage": "left out",
            "default max-errors": "left out"}.items():
        assert words in said[item], item
    rows = [json.loads(line) for line in
            leat.ok("config", "connections", "list", "--json").stdout.splitlines()]
    assert {row["name"]: row["url"] for row in rows} == {
        "here": "sqlite:shop.db",
        "lake": "s3://bucket/in%20coming/files?region=eu-west-1",
        "mssql": "sqlserver://sa:***@host/db",
        "nz": "netezza://joe:***@nz:5480/sales?sslmode=require",
        "ora": "oracle://scott:***@db.example.com:1521/orcl?prefetch_rows=500",
        "snow": "snowflake://joe:***@acme/db?schema=public&warehouse=wh"}
    assert leat.ok("cp", "here.orders", "csv:-").stdout == "id\n1\n"
    defaults = [json.loads(line) for line in
                leat.ok("config", "defaults", "list", "--json").stdout.splitlines()]
    assert {row["option"]: row["value"] for row in defaults} == {
        "commit-batch-size": "5000", "key": "id", "cursor": "LAST_MODIFIED", "log-level": "info"}


def test_what_is_there_stays_unless_told(leat, old):
    leat.ok("config", "connections", "add", "here", "sqlite:other.db")
    done = leat("config", "import", "halfpipe")
    assert done.returncode == 1 and "left out" in done.stdout and "--force" in done.stdout
    shown = leat.ok("config", "connections", "show", "here").stdout
    assert "other.db" in shown
    leat("config", "import", "halfpipe", "--force")
    assert "shop.db" in leat.ok("config", "connections", "show", "here").stdout


def test_a_dry_run_keeps_nothing_and_a_folder_can_be_named(leat, old, tmp_path):
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "config.yaml").write_bytes(encrypt('commit-batch-size: "7"\n') + b"\n")
    done = leat.ok("config", "import", "halfpipe", folder, "--dry-run")
    assert "commit-batch-size" in done.stdout
    assert leat.ok("config", "defaults", "list").stdout == ""
    leat.ok("config", "import", "halfpipe", folder)
    assert '"7"' in leat.ok("config", "defaults", "list", "--json").stdout
    assert leat.ok("config", "connections", "list").stdout == ""


@pytest.mark.parametrize("damage", ["cut", "bit", "base64", "empty", "yaml", "list"])
def test_damaged_files_are_refused(leat, old, damage):
    path = old / "connections.yaml"
    whole = path.read_bytes()
    raw = bytearray(base64.b64decode(whole))
    raw[40] ^= 1
    path.write_bytes({"cut": whole[:-8], "bit": base64.b64encode(bytes(raw)), "base64": b"%" + whole,
                      "empty": b"", "yaml": encrypt("a: [\n"), "list": encrypt("- a\n")}[damage])
    done = leat("config", "import", "halfpipe")
    assert done.returncode in (1, 2) and "connections.yaml" in done.stderr, done.stderr
    assert "[corrupt-file]" in done.stderr or "[invalid]" in done.stderr
    assert leat.ok("config", "connections", "list").stdout == ""


def test_without_files_there_is_nothing_to_import(leat):
    done = leat.fails(2, "not-found", "config", "import", "halfpipe")
    assert ".halfpipe" in done.stderr
