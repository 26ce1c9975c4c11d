"""Documents that say what to run: `leat pipe run / check / show / schema`, and --as-pipe."""
import http.server
import json
import os
import re
import signal
import sqlite3
import ssl
import subprocess
import threading
import time

import jsonschema
import pytest
import yaml

from conftest import ROOT


def write(folder, name, text):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


@pytest.fixture
def shop(leat):
    """A SQLite database with a few tables, in the working directory."""
    with sqlite3.connect(leat.home / "shop.db") as db:
        db.executescript("""
            create table orders(id integer primary key, day text, total integer, changed integer);
            create table customers(id integer primary key, name text, secret text);
            create table tmp_a(x integer); create table tmp_b(x integer);
            insert into orders values (1, 'mon', 10, 1), (2, 'tue', 20, 2), (3, 'tue', 30, 3);
            insert into customers values (1, 'ann', 's'), (2, 'bob', 't');
            insert into tmp_a values (1); insert into tmp_b values (2);
        """)
    return leat.home / "shop.db"


def rows(path, sql):
    with sqlite3.connect(path) as db:
        return db.execute(sql).fetchall()


def tables(path):
    return [name for name, in rows(path, "select name from sqlite_master where type = 'table' "
                                         "and name not like '\\_leat%' escape '\\' order by 1")]


def executions(leat, name):
    done = leat.ok("execution", "list", "--pipeline", name, "--json")
    return [json.loads(line) for line in done.stdout.splitlines()]


def steps_of(leat, execution):
    shown = json.loads(leat.ok("execution", "show", execution["execution"], "--json").stdout)
    return {step["name"]: step for step in shown["step_list"]}


# --- running ------------------------------------------------------------------------------------

def test_a_document_with_from_and_to_is_one_copy(leat, shop):
    write(leat.home, "one.yaml", "from: shop.db#orders\nto: out.csv\n")
    leat.ok("pipe", "run", "one.yaml", "--report", "report.json")
    assert (leat.home / "out.csv").read_text().splitlines()[1] == "1,mon,10,1"
    report = json.loads((leat.home / "report.json").read_text())
    assert report["pipe"] == "one" and report["error"] is None
    assert [s["status"] for s in report["steps"]] == ["done"]
    assert report["steps"][0]["plans"][0]["streams"][0]["rows_written"] == 3
    execution, = executions(leat, "one")
    assert execution["status"] == "COMPLETED"
    assert steps_of(leat, execution)["COPY"]["rows_processed"] == 3
    runs = leat.ok("runs").stdout
    assert "pipe run" in runs


def test_json_is_read_as_well_as_yaml(leat, shop):
    write(leat.home, "one.json", json.dumps({"from": "shop.db#orders", "to": "out.csv",
                                             "description": "\U0001f600"}))
    leat.ok("pipe", "run", "one.json")
    assert (leat.home / "out.csv").exists()
    leat.ok("pipe", "run", "-", stdin=b'{"copy": "shop.db#orders", "to": "two.csv"}')
    assert (leat.home / "two.csv").exists()


def test_streams_take_what_patterns_say_of_them(leat, shop):
    """A name counts more than a pattern, a longer pattern more than a short one; what they say adds
    up."""
    write(leat.home, "many.yaml", """
from: shop.db
to: "sqlite:out.db#{stream}"
defaults: {max-errors: 7}
streams:
  "*":
  tmp_*: skip
  tmp_b:
  customers:
    columns: [id, name]
    where: id > 1
    to: people
  big:
    query: select day, sum(total) as total from orders group by day order by 1
""")
    leat.ok("pipe", "run", "many.yaml", "--report", "report.json")
    assert tables(leat.home / "out.db") == ["big", "orders", "people", "tmp_b"]
    assert rows(leat.home / "out.db", "select * from people") == [(2, "bob")]
    assert rows(leat.home / "out.db", "select * from big order by 1") == [("mon", 10), ("tue", 50)]
    report = json.loads((leat.home / "report.json").read_text())
    # orders and tmp_b, about which the same is said, are one plan.
    assert sorted(len(plan["streams"]) for plan in report["steps"][0]["plans"]) == [1, 1, 2]


def test_streams_may_each_be_of_another_mode(leat, shop):
    document = write(leat.home, "modes.yaml", """
from: shop.db
to: "sqlite:out.db"
streams:
  - orders: {mode: delta, cursor: changed}
  - name: tmp_a
    mode: append
""")
    for _ in range(2):
        leat.ok("pipe", "run", document)
    assert rows(leat.home / "out.db", "select count(*) from orders") == [(3,)]
    assert rows(leat.home / "out.db", "select count(*) from tmp_a") == [(2,)]
    with sqlite3.connect(shop) as db:
        db.execute("insert into orders values (4, 'wed', 40, 4)")
    leat.ok("pipe", "run", document)
    assert rows(leat.home / "out.db", "select count(*) from orders") == [(4,)]


def test_a_name_that_is_not_there_fails_and_a_pattern_warns(leat, shop):
    write(leat.home, "a.yaml", "from: shop.db\nto: out.db\nstreams: [orders, nobody]\n")
    done = leat.fails(2, "not-found", "pipe", "run", "a.yaml")
    assert 'a.yaml:3:19: shop.db has no stream "nobody"' in done.stderr
    assert not (leat.home / "out.db").exists()
    write(leat.home, "b.yaml", "from: shop.db\nto: out.db\nstreams: [orders, x*]\n")
    assert '"x*" matches no stream' in leat.ok("pipe", "run", "b.yaml").stderr
    assert tables(leat.home / "out.db") == ["orders"]


def test_one_read_goes_to_several_places(leat, shop):
    write(leat.home, "also.yaml",
          "copy: shop.db#orders\nto: [a.csv, b.jsonl, 'out.db#x']\n")
    leat.ok("pipe", "run", "also.yaml", "--report", "report.json")
    plan, = json.loads((leat.home / "report.json").read_text())["steps"][0]["plans"]
    assert len(plan["streams"]) == 3
    assert rows(leat.home / "out.db", "select count(*) from x") == [(3,)]


def test_two_hundred_tables_are_copied_by_one_pipe(leat, pg_db):
    pg_db.execute(*[f"create table t{i} as select {i} as id" for i in range(200)],
                  "create table skipped as select 1 as x")
    write(leat.home, "many.yaml", """
connections: {pg: "${URL}"}
from: pg.public.
to: sqlite:out.db
streams: {"t*": {cast: {id: utf8}}, t7: {to: seven}, t8: skip}
""")
    leat.ok("pipe", "run", "many.yaml", "--report", "report.json", "--var", f"URL={pg_db.url}")
    found = tables(leat.home / "out.db")
    assert len(found) == 199 and "seven" in found and "t8" not in found
    assert rows(leat.home / "out.db", "select id from seven") == [("7",)]
    report = json.loads((leat.home / "report.json").read_text())
    assert sorted(len(p["streams"]) for p in report["steps"][0]["plans"]) == [1, 198]
    assert report["steps"][0]["rows"] == 199


# --- steps --------------------------------------------------------------------------------------

STEPS = """
name: stairs
connections: {out: sqlite:out.db}
steps:
  - name: last
    needs: [middle]
    if: always
    sql: insert into log values ('last')
    in: out
  - name: middle
    needs: first
    sql: {middle}
    in: out
  - name: first
    sql: create table log(x text); insert into log values ('first')
    in: out
  - name: other
    sql: insert into log values ('other')
    in: out
  - name: mended
    if: failed
    sql: insert into log values ('mended')
    in: out
"""


def test_steps_run_in_the_order_of_their_needs(leat):
    write(leat.home, "s.yaml", STEPS.replace("{middle}", "insert into log values ('middle')"))
    leat.ok("pipe", "run", "s.yaml")
    assert rows(leat.home / "out.db", "select x from log") == [
        ("first",), ("middle",), ("last",), ("other",)]


@pytest.mark.parametrize("keep, expected", [
    ([], ["first", "last", "mended"]),
    (["--keep-going"], ["first", "last", "other", "mended"])])
def test_after_a_failure_only_those_run_that_should(leat, keep, expected):
    write(leat.home, "s.yaml", STEPS.replace("{middle}", "insert into nowhere values (1)"))
    done = leat("pipe", "run", "s.yaml", *keep, "--report", "report.json")
    assert done.returncode == 1 and 'step "middle"' in done.stderr
    assert [x for x, in rows(leat.home / "out.db", "select x from log")] == expected
    execution, = executions(leat, "stairs")
    assert execution["status"] == "FAILED" and "nowhere" in execution["error"]
    steps = steps_of(leat, execution)
    assert steps["MIDDLE"]["status"] == "FAILED" and steps["LAST"]["status"] == "COMPLETED"
    report = json.loads((leat.home / "report.json").read_text())
    by_name = {s["step"]: s["status"] for s in report["steps"]}
    assert by_name["middle"] == "failed"
    assert by_name["other"] == ("done" if keep else "skipped")


def test_a_step_that_fails_halfway_tells_the_rows_it_committed(leat, shop):
    con = sqlite3.connect(shop)
    con.executescript("create view bad as select abs(-9223372036854775807 - total / 10) as x "
                      "from orders where id = 1")
    con.commit()
    con.close()
    write(leat.home, "half.yaml", """
name: half
copy: shop.db
to: out.db
streams: {orders: {}, customers: {}, bad: {}}
""")
    leat("pipe", "run", "half.yaml", "--keep-going", "--report", "report.json")
    execution, = executions(leat, "half")
    step, = steps_of(leat, execution).values()
    told, = json.loads((leat.home / "report.json").read_text())["steps"]
    assert execution["status"] == step["status"] == "FAILED" == told["status"].upper()
    assert step["rows_processed"] == told["rows"] > 0
    assert step["execution_time_ms"] is not None is not execution["execution_time_ms"]


def test_single_steps_can_be_chosen(leat):
    write(leat.home, "s.yaml", STEPS.replace("{middle}", "insert into log values ('middle')"))
    leat.ok("pipe", "run", "s.yaml", "--step", "first")
    leat.ok("pipe", "run", "s.yaml", "--from-step", "last")
    assert [x for x, in rows(leat.home / "out.db", "select x from log")] == ["first", "last", "other"]
    done = leat.fails(2, "not-found", "pipe", "run", "s.yaml", "--step", "frist")
    assert 'did you mean "first"?' in done.stderr


def test_a_pipe_runs_another_with_variables_of_its_own(leat, shop):
    write(leat.home, "docs/inner.yaml", "copy: shop.db#${table}\nto: ${table}-${day}.csv\n")
    write(leat.home, "docs/outer.yaml", """
steps:
  orders: {pipe: inner.yaml, vars: {table: orders}}
  customers: {pipe: inner.yaml, vars: {table: customers}}
""")
    leat.ok("pipe", "run", "docs/outer.yaml", "--var", "day=mon")
    assert (leat.home / "orders-mon.csv").exists() and (leat.home / "customers-mon.csv").exists()
    write(leat.home, "docs/loop.yaml", "pipe: loop.yaml\n")
    done = leat("pipe", "check", "docs/loop.yaml")
    assert done.returncode == 2 and "runs itself" in done.stderr


def test_a_document_that_runs_itself_is_told_once(leat):
    write(leat.home, "self.yaml", "steps:\n  a: {pipe: ./self.yaml}\n")
    done = leat("pipe", "check", "self.yaml")
    fault, = done.stderr.splitlines()
    assert done.returncode == 2 and fault.startswith("self.yaml:2:13: ") and "runs itself" in fault
    write(leat.home, "one.yaml", "pipe: two.yaml\n")
    write(leat.home, "two.yaml", "pipe: one.yaml\n")
    done = leat("pipe", "check", "one.yaml")
    assert done.stderr.count("runs itself") == 2, done.stderr  # in two.yaml, and where that is run
    assert done.stderr.splitlines()[0].startswith("two.yaml:1:7: ")


def test_differences_end_with_status_3(leat, shop):
    leat.ok("cp", "shop.db#orders", "copy.db#orders")
    write(leat.home, "d.yaml", "diff: shop.db#orders\nto: copy.db#orders\n")
    assert leat("pipe", "run", "d.yaml").returncode == 0
    with sqlite3.connect(leat.home / "copy.db") as db:
        db.execute("update orders set total = 11 where id = 1")
    done = leat("pipe", "run", "d.yaml")
    assert done.returncode == 3
    assert json.loads(done.stdout)["total"] == {"source": 10, "destination": 11}
    write(leat.home, "v.yaml", "verify: shop.db#orders\nto: copy.db#orders\n")
    assert leat("pipe", "run", "v.yaml").returncode == 3


def test_meta_prints_ddl_and_dry_runs_touch_nothing(leat, shop):
    write(leat.home, "m.yaml", "meta: shop.db#orders\nto: out.db#orders\n")
    assert "CREATE TABLE" in leat.ok("pipe", "run", "m.yaml").stdout
    write(leat.home, "s.yaml", "steps:\n- {copy: shop.db#orders, to: out.db#orders}\n"
                               "- {sql: drop table orders, in: shop.db}\n")
    text = leat.ok("pipe", "run", "s.yaml", "--dry-run").stdout
    assert "-- step copy 1" in text and "CREATE TABLE" in text and "drop table orders" in text
    assert not (leat.home / "out.db").exists() and tables(shop)
    assert executions(leat, "s") == []


def test_a_passing_fault_ends_with_75(leat, shop):
    write(leat.home, "p.yaml", "from: shop.db#orders\nto: postgres://u@127.0.0.1:1/db#x\n"
                               "retries: 0\n")
    assert leat("pipe", "run", "p.yaml").returncode == 75


def test_settings_of_every_place_have_their_rank(leat, shop):
    """--set, the stream, the step, defaults, LEAT_..., from high to low."""
    document = """
from: shop.db
to: out/
defaults: {format: csv}
delimiter: ";"
streams: {orders: {delimiter: "|"}, customers: }
"""
    write(leat.home, "d.yaml", document)
    environment = {"LEAT_FORMAT": "jsonl", "LEAT_QUOTE": "'", "LEAT_DELIMITER": "!"}
    leat.ok("pipe", "run", "d.yaml", env=environment)
    assert (leat.home / "out/orders.csv").read_text().startswith("id|day|")
    assert (leat.home / "out/customers.csv").read_text().startswith("id;name;")
    leat.ok("pipe", "run", "d.yaml", "--set", "delimiter=:", "--set", "quoting=all", env=environment)
    assert (leat.home / "out/orders.csv").read_text().startswith("'id':'day':")


# --- variables ----------------------------------------------------------------------------------

def test_variables_come_from_flags_then_the_document_then_the_environment(leat):
    write(leat.home, "v.yaml", """
vars: {a: from-vars, b: "${c}-in-vars"}
steps:
  - sql: |
      create table v(x);
      insert into v values ('${a}'), ('${b}'), ('${c}'), ('${d:-else}'), ('$${a}'), ('$$5 $x'),
        ('${empty:-filled}')
    in: out.db
""")
    leat.ok("pipe", "run", "v.yaml", "--var", "a=from-flag", env={"a": "no", "c": "env", "empty": ""})
    assert [x for x, in rows(leat.home / "out.db", "select x from v")] == [
        "from-flag", "env-in-vars", "env", "else", "${a}", "$$5 $x", "filled"]


# --- hooks --------------------------------------------------------------------------------------

class Hooked(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, dict(self.headers), body.decode()))
        left = self.server.answers.get(self.path, [200])
        self.send_response(left.pop(0) if len(left) > 1 else left[0])
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_PUT = do_POST

    def log_message(self, *_):
        pass


@pytest.fixture
def webhook():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hooked)
    server.seen, server.answers = [], {}
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()


def test_hooks_are_told_what_became_of_the_step(leat, shop, webhook):
    write(leat.home, "h.yaml", """
name: told
vars: {channel: "#data"}
connections: {out: sqlite:out.db}
hooks:
  before:
    - {sql: create table note(x), in: out}
    - command: echo "$LEAT_PIPE,$LEAT_STATUS" > before.txt
  after: {webhook: "${HOOK}/plain"}
steps:
  - name: load
    copy: shop.db#orders
    to: out.orders
    hooks:
      after:
        - command: echo "$LEAT_STEP,$LEAT_STATUS,$LEAT_ROWS,${PGPASSWORD:-none}" > after.txt
        - webhook: ${HOOK}/body
          method: PUT
          headers: {X-Step: "{step}"}
          body: {channel: "${channel}", text: "{pipe} {step} {status} {rows}", list: [1, true, "1"]}
""")
    leat.ok("pipe", "run", "h.yaml", env={"HOOK": webhook.url})
    assert (leat.home / "before.txt").read_text() == "told,started\n"
    assert (leat.home / "after.txt").read_text() == "load,done,3,none\n"
    assert tables(leat.home / "out.db") == ["note", "orders"]
    (path, headers, body), (_, _, plain) = webhook.seen
    assert path == "/body" and headers["X-Step"] == "load"
    assert json.loads(body) == {"channel": "#data", "text": "told load done 3",
                                "list": [1, True, "1"]}
    facts = json.loads(plain)
    assert facts["pipe"] == "told" and facts["status"] == "done" and facts["error"] == ""
    assert facts["execution"] == executions(leat, "told")[0]["execution"]


def test_a_failure_is_told_and_a_failing_hook_is_one(leat, shop, webhook):
    write(leat.home, "f.yaml", """
steps:
  - name: bad
    sql: insert into nowhere values (1)
    in: shop.db
    hooks: {on-error: {webhook: "${HOOK}/secret-path", body: "{step}: {error}"}}
""")
    webhook.answers["/secret-path"] = [503, 200]
    assert leat("pipe", "run", "f.yaml", env={"HOOK": webhook.url}).returncode == 1
    assert len(webhook.seen) == 2  # the second attempt went well
    assert webhook.seen[1][2].startswith("bad: [") and "nowhere" in webhook.seen[1][2]
    write(leat.home, "g.yaml", "copy: shop.db#orders\nto: never.csv\n"
                               "hooks: {before: {webhook: '${HOOK}/secret-gone'}}\n")
    webhook.answers["/secret-gone"] = [404]
    done = leat.fails((1, 2), "not-found", "pipe", "run", "g.yaml", env={"HOOK": webhook.url})
    assert "secret-gone" not in done.stderr and "answered with status 404" in done.stderr
    assert len(webhook.seen) == 3 and not (leat.home / "never.csv").exists()
    write(leat.home, "c.yaml", "copy: shop.db#orders\nto: c.csv\nhooks: {after: {command: exit 7}}\n")
    assert "status 7" in leat.fails((1, 2), "hook", "pipe", "run", "c.yaml").stderr


@pytest.fixture
def tls(webhook, tmp_path):
    """The same behind TLS, with a certificate that nobody has signed."""
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                    "ec_paramgen_curve:prime256v1", "-nodes", "-keyout", key, "-out", certificate,
                    "-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"],
                   check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hooked)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.seen, server.answers = [], {}
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"https://127.0.0.1:{server.server_port}", f"https://localhost:{server.server_port}", \
        certificate, server.seen
    server.shutdown()


def test_certificates_of_webhooks_are_verified(leat, shop, tls):
    url, other_name, certificate, seen = tls
    write(leat.home, "t.yaml", "copy: shop.db#orders\nto: o.csv\nhooks: {before: {webhook: '${U}'}}\n")
    for address, environment in ((url, {}), (other_name, {"SSL_CERT_FILE": str(certificate)})):
        done = leat.fails((1, 2), "denied", "pipe", "run", "t.yaml", env={"U": address, **environment})
        assert "is not trusted" in done.stderr and not seen
    leat.ok("pipe", "run", "t.yaml", env={"U": url, "SSL_CERT_FILE": str(certificate)})
    assert len(seen) == 1


def test_a_command_that_hangs_is_ended(leat, shop):
    write(leat.home, "c.yaml", "copy: shop.db#orders\nto: c.csv\n"
                               "hooks: {before: {command: sleep 60, timeout: 300ms}}\n")
    began = time.monotonic()
    assert leat("pipe", "run", "c.yaml").returncode == 75
    assert time.monotonic() - began < 20


# --- ends ---------------------------------------------------------------------------------------

def wait_for(condition, seconds=20):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.02)


def test_a_killed_run_is_seen_and_can_be_run_again(leat, shop):
    write(leat.home, "k.yaml", """
steps:
  - {name: one, copy: "shop.db#orders", to: "out.db#orders", hooks: {after: {command: "touch began; sleep ${S}"}}}
  - {name: two, copy: "shop.db#customers", to: "out.db#customers"}
""")
    child = leat.start("pipe", "run", "k.yaml", "--var", "S=30")
    wait_for((leat.home / "began").exists)
    child.kill()
    child.communicate()
    execution, = executions(leat, "k")
    assert execution["status"] == "IN_PROGRESS"
    assert steps_of(leat, execution)["ONE"]["status"] == "IN_PROGRESS"
    assert "TWO" not in steps_of(leat, execution)
    leat.ok("pipe", "run", "k.yaml", "--var", "S=0")
    assert tables(leat.home / "out.db") == ["customers", "orders"]
    assert [e["status"] for e in executions(leat, "k")] == ["COMPLETED", "IN_PROGRESS"]


@pytest.mark.parametrize("number, status", [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_stops_it_and_its_children(leat, shop, number, status):
    write(leat.home, "k.yaml", "copy: shop.db#orders\nto: o.csv\n"
                               "hooks: {before: {command: 'touch began; sleep 60'}}\n")
    child = leat.start("pipe", "run", "k.yaml")
    wait_for((leat.home / "began").exists)
    child.send_signal(number)
    child.communicate(timeout=20)
    assert child.returncode == status
    assert executions(leat, "k")[0]["status"] == "FAILED"
    assert not (leat.home / "o.csv").exists()


def test_it_repeats_from_start_to_start_and_drains(leat, shop):
    write(leat.home, "r.yaml", "append: true\nfrom: shop.db#tmp_a\nto: out.db#x\n"
                               "hooks: {before: {command: echo >> starts}}\n")
    child = leat.start("pipe", "run", "r.yaml", "-i", "1")
    starts = leat.home / "starts"
    wait_for(lambda: starts.exists() and len(starts.read_text().splitlines()) >= 3)
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=20)
    assert child.returncode == 0
    n = len(starts.read_text().splitlines())
    assert rows(leat.home / "out.db", "select count(*) from x") == [(n,)]
    assert len(executions(leat, "r")) == n


def test_it_watches_as_every_says_and_refuses_where_nothing_is_said(leat, shop):
    write(leat.home, "w.yaml", "every: 1s\nmode: append\nfrom: shop.db#tmp_a\nto: out.db#x\n")
    child = leat.start("pipe", "run", "w.yaml", "--watch")
    wait_for(lambda: len(executions(leat, "w")) >= 2)
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=20)
    assert child.returncode == 0
    write(leat.home, "n.yaml", "from: shop.db#orders\nto: out.csv\n")
    leat.fails(2, "usage", "pipe", "run", "n.yaml", "--watch")


def test_watching_goes_on_after_a_failure(leat, shop):
    write(leat.home, "w.json", json.dumps({"$schema": "./pipe.schema.json", "every": "1s",
                                           "sql": "insert into nowhere values (1)", "in": "shop.db"}))
    child = leat.start("pipe", "run", "w.json", "--watch")
    wait_for(lambda: len(executions(leat, "w")) >= 2)
    child.send_signal(signal.SIGTERM)
    child.communicate(timeout=20)
    assert {e["status"] for e in executions(leat, "w")} == {"FAILED"}


def test_step_compare_tells_whether_the_document_and_its_sql_changed(leat, shop):
    write(leat.home, "sql/report.sql", "create table if not exists r(x)")
    write(leat.home, "m.yaml", "sql: {file: sql/report.sql}\nin: shop.db\n")

    def changed():
        leat.ok("pipe", "run", "m.yaml")
        step = steps_of(leat, executions(leat, "m")[0])["SQL"]
        return leat.ok("step", "compare", step["step"]).stdout.split()

    assert sorted(changed()) == ["m", "report"]  # there was no success before
    assert changed() == []
    (leat.home / "sql/report.sql").write_text("create table if not exists r(x, y)")
    assert changed() == ["report"]


# --- checking -----------------------------------------------------------------------------------

# A document, what `check` says of it, and whether the schema refuses it too: it knows neither the
# names of steps nor variables, locations or queries.
FAULTS = [
    ("", "1:1: the document is empty; from: SOURCE and to: DESTINATION are the shortest", False),
    ("- a\n", "1:1: a document is a map; from: SOURCE and to: DESTINATION are the shortest", True),
    ("copy: a.csv\n", "1:1: nothing says where it goes: `to`; to: LOCATION", True),
    ("to: a.csv\n", "1:1: nothing says what this step does; copy, delta, sync, diff, verify or meta "
     "with the source; or sql, or pipe", True),
    ("cpy: a.csv\nto: b.csv\n", '1:1: there is no key or option "cpy"; did you mean "copy"?', True),
    ("copy: a.csv\ndelta: a.csv\nto: b.csv\n",
     "2:1: a step does one thing: copy or delta; make two steps of it", True),
    ("copy: a.csv\nmode: delta\nto: b.csv\n", "2:7: what the step does is said twice: copy, and mode; "
     "leave mode out, or write `from` for the source", True),
    ("from: a.csv\nmode: dleta\nto: b.csv\n",
     '2:7: there is no mode "dleta"; did you mean "delta"?', True),
    ("copy: a.csv\nto: b.csv\nparalel: 2\n",
     '3:1: there is no key or option "paralel"; did you mean "parallel"?', True),
    ("copy: a.csv\nto: b.csv\nparallel: many\n",
     "3:11: parallel takes a whole number, 0 or more", True),
    ("copy: a.csv\nto: b.csv\non-loss: ignore\n",
     "3:10: on-loss is one of error|null|text", True),
    ("copy: a.csv\nto: b.csv\nappend: maybe\n", "3:9: append is true or false", True),
    ("copy: a.csv\nto: b.csv\nmemory: lots\n", "3:9: memory takes a size such as 96MiB", True),
    ("copy: a.csv\nto: b.csv\nlimit:\n", "3:7: limit has no value", True),
    ("copy: a.csv\nto: b.csv\nwhere: [a, b]\n", "3:8: where is a text", True),
    ("copy: a.csv\nto: b.csv\ncursor: id\n", "3:1: a copy has no option cursor", True),
    ("delta: a.csv\nto: [b.csv, c.csv]\n", "2:13: a delta has one destination", False),
    ("copy: nosuch\nto: foo://x\n", "2:5: no connector or format is called \"foo\"; `leat connectors` "
     "lists what there is", False),
    ("copy: a.csv\nto: b-${NOPE}.csv\n", "2:5: the variable NOPE is not set; --var NOPE=..., or "
     "${NOPE:-else} in the document", False),
    ("copy: a.csv\nto: b-${NOPE\n", "2:5: a ${ has no } behind it; $${ is a plain ${", False),
    ("vars: {a: '${b}', b: '${a}'}\ncopy: a.csv\nto: ${a}.csv\n",
     "3:5: variables stand for each other without an end", False),
    ("vars: [a]\ncopy: a.csv\nto: b.csv\n", "1:7: vars is a map from name to value", True),
    ("copy: a.csv\nto: b.csv\nevery: 5x\n",
     "3:8: every takes a time such as 15m, of at least a second", False),
    ("copy: a.csv\nto: b.csv\nevery: 5m\ncron: '0 3 * * *'\n",
     "4:7: a pipe has `every` or `cron`; leave one of them out", True),
    ("copy: a.csv\nto: b.csv\ncron: 0 25 * * *\n", "3:7: cron: the hour (field 2 of 5) is wrong; "
     'minute hour day month weekday, such as "0 3 * * mon-fri"', False),
    ("copy: a.csv\nto: b.csv\ncron: 0 3 * *\n", "3:7: cron: the day of the week (field 5 of 5) is "
     'wrong; minute hour day month weekday, such as "0 3 * * mon-fri"', True),
    ("copy: a.csv\nto: b.csv\ncron: 0 3 * * *\ntimezone: Europe/Atlantis\n",
     '4:11: there is no time zone "Europe/Atlantis"; such as Europe/Berlin, of the package tzdata',
     False),
    ("copy: a.csv\nto: b.csv\ntimezone: UTC\n", "3:11: a timezone is of use only with `cron`", True),
    ("copy: a.csv\nto: b.csv\ncopy: c.csv\n", '3:1: the key "copy" stands here a second time; the '
     "first is in line 1; leave one of them out", None),
    ("copy: [\n", "2:1: did not find expected node content while parsing a flow node", None),
    ("steps: []\n", "1:8: steps is a list of steps, or a map from name to step", True),
    ("steps: [1]\n", "1:9: a step is a map: what it does, and how", True),
    ("key: id\nsteps: [{sql: a, in: a.db}]\n", "1:1: beside `steps` there is no key; move it into a "
     "step; options of all steps are `defaults`", True),
    ("nmae: x\nsteps: [{sql: a, in: a.db}]\n", '1:1: there is no key "nmae"; did you mean "name"?',
     True),
    ("steps: [{sql: select 1}]\n", "1:9: sql needs to know where: `in`; in: CONNECTION", True),
    ("steps: [{sql: {file: no.sql}, in: a.db}]\n", "1:22: cannot open ", False),
    ("steps: [{sql: a, in: a.db, to: b.csv}]\n", "1:28: a sql step has no to", False),
    ("steps: [{sql: a, in: a.db, needs: b}]\n", '1:35: there is no step "b"', False),
    ("steps: {a: {sql: a, in: a.db, needs: b}, b: {sql: a, in: a.db, needs: a}}\n",
     '1:71: the steps "b" and "a" need each other', False),
    ("steps: [{name: a, sql: a, in: a.db}, {name: A, sql: a, in: a.db}]\n",
     '1:38: a second step is called "A"; give one of them another name', False),
    ("steps: [{sql: a, in: a.db, if: sometimes}]\n", '1:32: there is no condition "sometimes"', True),
    ("pipe: none.yaml\n", "1:7: cannot open ", False),
    ("from: a.db\nto: b.db\nstreams: {}\n",
     "3:10: no stream is named; leave `streams` out for all", True),
    ("from: a.db\nto: b.db\nstreams: {x: {skpi: true}}\n",
     '3:15: there is no key or option of streams "skpi"; did you mean "skip"?', True),
    ("from: a.db\nto: b.db\nstreams: {x: maybe}\n", '3:14: there is no mode "maybe"', True),
    ("from: a.db\nto: b.db\nstreams: {x: {mode: delta, append: true}}\n",
     "3:28: a delta has no option append", False),
    ("from: a.db\nto: b.db\nstreams: {x*: {query: select 1}}\n",
     "3:11: a query has a name without wildcards", False),
    ("from: a.db#t\nto: b.db\nstreams: {x: }\n", "1:7: the source names a stream, and so does "
     "`streams`; name a connection, a URL without #, or a namespace with a dot behind it", False),
    ("hooks: {befor: {command: x}}\ncopy: a.csv\nto: b.csv\n",
     '1:9: there is no time of hooks "befor"; did you mean "before"?', True),
    ("hooks: {before: {cmd: x}}\ncopy: a.csv\nto: b.csv\n", "1:17: a hook has one of sql, command, "
     "webhook", True),
    ("hooks: {before: {sql: x}}\ncopy: a.csv\nto: b.csv\n",
     "1:17: sql needs to know where: `in`; in: CONNECTION", True),
    ("hooks: {before: {webhook: 'ftp://x'}}\ncopy: a.csv\nto: b.csv\n",
     "1:27: webhook is a URL, http:// or https://", True),
    ("connections: {a.b: x}\ncopy: a.csv\nto: b.csv\n", '1:15: "a.b" cannot be the name of a '
     "connection; letters, digits, - and _", False),
    ("defaults: {paralel: 1}\ncopy: a.csv\nto: b.csv\n",
     '1:12: there is no option "paralel"; did you mean "parallel"?', True),
]


def schema_of(leat):
    return json.loads(leat.ok("pipe", "schema").stdout)


def accepts(schema, text):
    return jsonschema.Draft202012Validator(schema).is_valid(yaml.safe_load(text))


@pytest.mark.parametrize("text, expected", [(text, expected) for text, expected, _ in FAULTS])
def test_check_names_the_fault_and_its_place(leat, text, expected):
    write(leat.home, "x.yaml", text)
    done = leat("pipe", "check", "x.yaml")
    assert done.returncode == 2 and done.stdout == ""
    said = [line for line in done.stderr.splitlines() if line.startswith("x.yaml:" + expected)]
    assert said, done.stderr
    assert leat("pipe", "run", "x.yaml").returncode == 2


def test_all_faults_are_told_at_once_in_their_order(leat):
    write(leat.home, "x.yaml", "name: x\nvrs: {}\nsteps:\n- cpy: a\n  to: b.csv\n- sql: x\n  if: no\n")
    places = [line.split(": ")[0] for line in leat("pipe", "check", "x.yaml").stderr.splitlines()]
    assert places == ["x.yaml:2:1", "x.yaml:4:3", "x.yaml:6:3", "x.yaml:7:7"]
    lines = leat("pipe", "check", "x.yaml", "--log-format", "json").stderr.splitlines()
    assert [json.loads(line)["place"] for line in lines] == places


def examples():
    text = (ROOT / "docs" / "pipes.md").read_text(encoding="utf-8")
    return re.findall(r"```yaml\n(.*?)```", text, re.S)


def test_the_examples_of_the_documentation_have_no_fault(leat):
    environment = {"DATABASE_URL": "postgres://u@h/db", "SHOP_URL": "sqlite:shop.db",
                   "WAREHOUSE_URL": "postgres://u@h/wh", "ALERTS_URL": "https://h/x",
                   "LEAT_CONN_SHOP": "sqlite:shop.db", "LEAT_CONN_WH": "postgres://u@h/wh"}
    schema = schema_of(leat)
    assert len(examples()) == 5
    for i, text in enumerate(examples()):
        write(leat.home, f"{i}.yaml", text)
        leat.ok("pipe", "check", f"{i}.yaml", env=environment)
        jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(text))


def test_the_schema_is_one_and_refuses_what_check_refuses(leat):
    schema = schema_of(leat)
    jsonschema.Draft202012Validator.check_schema(schema)
    for text, expected, refused in FAULTS:
        if refused is not None:
            assert accepts(schema, text) == (not refused) or not text, (text, expected)


# --- printed ------------------------------------------------------------------------------------

ACTIONS = [
    ["cp", "shop.db#orders", "out.csv", "--delimiter", ";", "--columns", "id,total", "--where",
     "id > 1", "--cast", "total=decimal(12,2)", "--rename", "total=sum", "--limit", "5"],
    ["cp", "shop.db", "out/", "--format", "jsonl", "--exclude", "tmp_*", "--exclude", "customers",
     "--replace", "--parallel", "2", "--also", "more/", "--keep-going"],
    ["cp", "shop.db", "out.db#q", "--query", "select 1 as a,\n  '${x}' as b", "--append", "--verify"],
    ["cp", "delta", "shop.db#orders", "out.db#o", "-p", "id", "-d", "changed,id", "--strategy",
     "delete+insert", "--lookback", "1", "--null-cursor", "skip"],
    ["cp", "shop.db#orders", "lake/", "--format", "csv", "--partition-by", "day", "--partition-by", "total",
     "--delimiter", ",", "--delimiter", ";"],
    ["cp", "meta", "shop.db#orders", "out.db#o", "--with", "foreign-keys", "--schema", "strict"],
    ["sync", "batch", "shop.db#orders", "out.db#o", "-p", "id", "--max-delete", "10%", "--soft-delete"],
    ["diff", "shop.db#orders", "copy.db#orders", "-p", "id", "--sample", "50%", "--hash-ranges", "off"],
    ["verify", "shop.db#orders", "copy.db#orders", "--columns", "id,day"],
]


@pytest.mark.parametrize("form", ["yaml", "json"])
@pytest.mark.parametrize("action", ACTIONS, ids=[" ".join(a[:2]) + f"-{i}" for i, a in enumerate(ACTIONS)])
def test_an_action_printed_as_a_pipe_is_the_same_plan(leat, shop, action, form):
    leat.ok("cp", "shop.db#orders", "copy.db#orders")
    printed = leat.ok(*action, "--as-pipe", form).stdout
    write(leat.home, f"p.{form}", printed)
    assert accepts(schema_of(leat), printed), printed
    expected = leat.ok(*action, "--dry-run").stdout
    again = leat.ok("pipe", "run", f"p.{form}", "--dry-run").stdout
    assert again.split("\n", 1)[1] == expected
    shown = leat.ok("pipe", "show", f"p.{form}").stdout
    write(leat.home, "shown.yaml", shown)
    assert leat.ok("pipe", "run", "shown.yaml", "--dry-run").stdout.split("\n", 1)[1] == expected
    assert "out.db" not in os.listdir(leat.home)


@pytest.mark.parametrize("form", ["yaml", "json"])
@pytest.mark.parametrize("action", [
    ["cp", "shop.db#orders", "out.csv"],
    ["cp", "delta", "shop.db#orders", "out.db#o", "-p", "id", "-d", "changed"],
    ["sync", "batch", "shop.db#orders", "out.db#o", "-p", "id"]], ids=["cp", "delta", "sync"])
def test_what_an_action_repeats_is_printed_as_every(leat, shop, action, form):
    for said, every in (("60", "60s"), ("2m", "2m")):
        printed = leat.ok(*action, "-i", said, "--as-pipe", form).stdout
        assert yaml.safe_load(printed)["every"] == every
        write(leat.home, f"p.{form}", printed)
        leat.ok("pipe", "check", f"p.{form}")
    assert "every" not in leat.ok(*action, "--as-pipe", form).stdout
    leat.fails(2, "usage", *action, "-i", "0", "--as-pipe", form)
    command = ["snap", *action[1:]] if action[0] == "cp" and action[1] != "delta" else action[1:]
    hp = leat.ok("hp", action[0], *command, "-i", "5", "-o", form)
    assert yaml.safe_load(hp.stdout)["every"] == "5s"


@pytest.mark.parametrize("option", [["-a"], ["--summary"], ["--stop-after", "3"], ["--as", "json"]])
def test_what_a_document_cannot_say_is_refused(leat, shop, option):
    leat.ok("cp", "shop.db#orders", "copy.db#orders")
    places = ["shop.db#orders", "copy.db#orders"]
    done = leat.fails(2, "usage", "diff", *places, *option, "--as-pipe", "yaml")
    assert done.stdout == ""
    leat.ok("diff", *places, "--summary=false", "--as-pipe", "yaml")
    for flag in (["-a"], ["-n", "2"]):
        done = leat.fails(1, "unsupported", "hp", "diff", "-p", "id", *places, *flag, "-o", "yaml")
        assert done.stdout == ""


def test_a_pipe_is_shown_with_everything_resolved(leat, shop):
    write(leat.home, "s.yaml", """
vars: {day: mon}
connections: {src: sqlite:shop.db}
from: src
to: out/
format: csv
streams: {"tmp_*": {limit: 1}, orders: {mode: delta, cursor: changed, where: "day = '${day}'"}}
""")
    shown = yaml.safe_load(leat.ok("pipe", "show", "s.yaml").stdout)
    assert json.loads(leat.ok("pipe", "show", "s.yaml", "--json").stdout) == shown
    step, = shown["steps"]
    assert step["from"] == "sqlite:shop.db"
    assert step["streams"] == {"orders": {"mode": "delta", "cursor": "changed", "where": "day = 'mon'"},
                               "tmp_a": {"limit": 1}, "tmp_b": {"limit": 1}}


SECRET = "s3cr3t-w0rd"


def test_no_secret_is_printed(leat, shop):
    url = f"postgres://joe:{SECRET}@127.0.0.1:1/db"
    for form in ("yaml", "json"):
        printed = leat.ok("cp", f"{url}#public.x", f"{url}#public.y", "--as-pipe", form,
                          "--password", SECRET, "--schema-from", f"{url}#public.z").stdout
        assert SECRET not in printed
        document = yaml.safe_load(printed)
        assert document["copy"] == "${LEAT_SOURCE_URL}#public.x"
        assert document["to"] == "${LEAT_DESTINATION_URL}#public.y"
        assert document["password"] == "${LEAT_PASSWORD}" and "LEAT_SOURCE_URL to postgres://joe:***@" \
            in printed
    write(leat.home, "s.yaml", f"""
connections: {{pg: "{url}"}}
steps:
  - {{copy: pg.public.x, to: out.csv, password: {SECRET}, hooks: {{on-error: {{webhook: "http://127.0.0.1:1/{SECRET}",
      headers: {{Authorization: {SECRET}}}}}}}}}
""")
    for arguments in (["show"], ["show", "--json"], ["check"], ["run", "-v", "-v"], ["run", "--dry-run"]):
        done = leat("pipe", arguments[0], "s.yaml", *arguments[1:])
        assert SECRET not in done.stdout + done.stderr, arguments
    assert SECRET not in leat.ok("execution", "list", "--json").stdout
