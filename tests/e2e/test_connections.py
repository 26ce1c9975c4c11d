"""Named connections: where names come from, what they are tested for, and that no secret shows."""
import fcntl
import itertools
import json
import os
import pty
import select
import termios
import time

import pytest
from postgres import PASSWORD, free_port

CSV = "id,n\n1,a\n2,b\n"
SECRET = "hunter2"


@pytest.fixture
def shop(leat):
    """A SQLite database `shop.db` with a table `orders`, in the working directory."""
    (leat.home / "orders.csv").write_text(CSV, encoding="utf-8")
    leat.ok("cp", "orders.csv", "sqlite:shop.db")
    return leat


def add(leat, name, url, *more, **options):
    return leat.ok("config", "connections", "add", name, url, *more, **options)


def listed(leat, **options):
    """Name -> (connector, URL, origin)."""
    rows = [json.loads(line) for line in
            leat.ok("config", "connections", "list", "--json", **options).stdout.splitlines()]
    return {row["name"]: (row["connector"], row["url"], row["origin"]) for row in rows}


def checked(leat, *names, status=0, **options):
    done = leat("config", "connections", "test", "--json", *names, **options)
    assert done.returncode == status, done.stderr
    return {row["name"]: row for row in map(json.loads, done.stdout.splitlines())}, done


# --- keeping them ---------------------------------------------------------------------------------

@pytest.mark.quick
def test_add_list_show_remove(shop):
    done = add(shop, "shop", "sqlite:shop.db")
    assert 'connection "shop" added' in done.stderr and done.stdout == ""
    add(shop, "pg", f"postgres://joe:{SECRET}@db.example.com:5433/app?sslmode=require")
    add(shop, "a", "csv:lake")
    assert listed(shop) == {
        "a": ("csv", "csv:lake", "vault"),
        "pg": ("postgres", "postgres://joe:***@db.example.com:5433/app?sslmode=require", "vault"),
        "shop": ("sqlite", "sqlite:shop.db", "vault")}
    assert list(listed(shop)) == ["a", "pg", "shop"]  # by name
    table = shop.ok("config", "connections", "list").stdout
    assert [line.split()[0] for line in table.splitlines()[2:]] == ["a", "pg", "shop"]
    shown = shop.ok("config", "connections", "show", "pg").stdout
    for line in ("user       joe", "password   ***", "host       db.example.com",
                 "port       5433", "database   app", "from       vault"):
        assert line in shown
    assert shop.ok("cp", "shop.orders", "csv:-").stdout == CSV
    assert shop.ok("streams", "shop").stdout.startswith("orders")
    shop.ok("config", "connections", "remove", "a")
    shop.ok("config", "connections", "rm", "pg")
    shop.ok("config", "connections", "delete", "-c", "shop")
    assert listed(shop) == {}
    shop.fails(2, "not-found", "config", "connections", "remove", "shop")


def test_a_name_is_replaced_only_when_told(shop):
    add(shop, "x", "sqlite:one.db")
    done = shop.fails(2, "exists", "config", "connections", "add", "x", "sqlite:two.db")
    assert "--force" in done.stderr
    assert listed(shop)["x"][1] == "sqlite:one.db"
    add(shop, "x", "sqlite:two.db", "--force")
    assert listed(shop)["x"][1] == "sqlite:two.db"


def test_halfpipes_form_and_standard_input(shop):
    shop.ok("config", "connections", "add", "sqlite", "-c", "one", "-d", "sqlite:shop.db")
    shop.ok("config", "connections", "add", "sqlite", "--connection-name=two", "--dsn", "shop.db")
    shop.ok("config", "connections", "add", "sqlite", "-c", "two", "-d", "shop.db", "-f")
    shop.ok("config", "connections", "add", "three", "-", stdin=b"sqlite:shop.db\n")
    for name in ("one", "two", "three"):
        assert shop.ok("cp", f"{name}.orders", "csv:-").stdout == CSV
    shop.fails(2, "usage", "config", "connections", "add", "sqlite", "-c", "x")
    shop.fails(2, "usage", "config", "connections", "add", "sqlite", "-c", "x", "-d", "csv:y")
    shop.fails(2, "unknown-scheme", "config", "connections", "add", "orakle", "-c", "x", "-d", "y")


@pytest.mark.parametrize("name", ["", "a.b", "a/b", "1a", "a b", "a:b", "-a", "x" * 64, "ä"])
def test_names_that_no_location_could_hold_are_refused(leat, name):
    leat.fails(2, ("usage", "unknown-option"), "config", "connections", "add", "--", name,
               "sqlite:x.db")


@pytest.mark.parametrize("url, code", [
    ("shop.db", "usage"), ("", "usage"), ("orakle://h/db", "unknown-scheme"),
    (f"postgress://u:{SECRET}@h/db", "unknown-scheme")])
def test_what_is_no_url_of_a_connector_is_refused(leat, url, code):
    done = leat.fails(2, code, "config", "connections", "add", "x", url)
    assert SECRET not in done.stderr
    assert listed(leat) == {}


NO_SLASHES = [f"postgres:/joe:{SECRET}@127.0.0.1:1/db", f"postgres:joe:{SECRET}@127.0.0.1:1/db",
              f"jdbc:postgresql:joe:{SECRET}#x@127.0.0.1/db"]


@pytest.mark.parametrize("url", NO_SLASHES)
def test_a_server_s_url_without_slashes_is_refused_and_masked(leat, url):
    for words in (("config", "connections", "add", "x", url), ("streams", url),
                  ("cp", f"{url}#t", "csv:-"), ("cp", f"{url}#t", "csv:-", "--as-pipe", "yaml")):
        done = leat.fails(2, "invalid", *words)
        assert "write postgres" in done.stderr and "://user@host/database" in done.stderr
        assert SECRET not in done.stdout + done.stderr
    env = {"LEAT_CONN_X": url}
    done = leat.fails(2, "invalid", "streams", "x", env=env)
    assert "variable LEAT_CONN_X" in done.stderr and SECRET not in done.stderr
    for words in (("list",), ("list", "--json"), ("show", "x"), ("show", "x", "--json")):
        done = leat.ok("config", "connections", *words, env=env)
        assert "joe:***@127.0.0.1" in done.stdout and SECRET not in done.stdout + done.stderr


def test_a_misspelt_secret_parameter_is_masked(leat):
    url = f"postgres://127.0.0.1:1/db?user=joe&passwrd={SECRET}"
    done = leat.fails(2, "unknown-option", "streams", url, "-vv")
    assert 'did you mean "password"' in done.stderr and SECRET not in done.stderr
    for form in ("yaml", "json"):
        printed = leat.ok("cp", f"{url}#t", "csv:-", "--as-pipe", form)
        assert "${LEAT_SOURCE_URL}#t" in printed.stdout
        assert SECRET not in printed.stdout + printed.stderr


def test_other_names_of_commands_are_near(leat):
    done = leat.fails(2, "usage", "config", "connection", "add", "x", "y")
    assert "did you mean leat config connections" in done.stderr
    done = leat.fails(2, "usage", "config", "connections", "lst")
    assert "did you mean leat config connections list?" in done.stderr
    assert "config connections list" in leat.ok("config", "connections", "--help").stdout
    assert "config defaults add" in leat.ok("help", "config").stdout
    assert "--force" in leat.ok("help", "config", "connections", "add").stdout


# --- names ----------------------------------------------------------------------------------------

SOURCES = ("LEAT_CONN_SHOP", "shop", ".env LEAT_CONN_SHOP", ".env shop", "vault")


def test_a_name_is_looked_up_in_the_order_of_the_documentation(shop):
    """Every choice of places, each with a URL of its own."""
    origins = {"LEAT_CONN_SHOP": "variable LEAT_CONN_SHOP", "shop": "variable shop",
               ".env LEAT_CONN_SHOP": "variable LEAT_CONN_SHOP in .env:1",
               ".env shop": "variable shop in .env:2", "vault": "vault"}
    choices = [set(each) for n in range(1, len(SOURCES) + 1)
               for each in itertools.combinations(SOURCES, n)]
    for chosen in sorted(choices, key=lambda each: "vault" in each):
        urls = {source: f"sqlite:{i}.db" for i, source in enumerate(SOURCES)}
        if "vault" in chosen:
            add(shop, "shop", urls["vault"], "--force")
        lines = [f"LEAT_CONN_SHOP={urls['.env LEAT_CONN_SHOP']}"
                 if ".env LEAT_CONN_SHOP" in chosen else "",
                 f"shop={urls['.env shop']}" if ".env shop" in chosen else ""]
        (shop.home / ".env").write_text("\n".join(lines) + "\n", encoding="utf-8")
        env = {name: urls[name] for name in ("LEAT_CONN_SHOP", "shop") if name in chosen}
        shown = json.loads(shop.ok("config", "connections", "show", "shop", "--json", env=env).stdout)
        first = next(source for source in SOURCES if source in chosen)
        assert (shown["url"], shown["origin"]) == (urls[first], origins[first]), chosen


def test_a_variable_that_holds_no_url_of_a_connector_is_no_connection(shop):
    for value in ("https://example.com/", "no URL", "", "en:de"):
        shop.fails(2, "not-found", "streams", "THING", env={"THING": value})
    add(shop, "THING", "sqlite:shop.db")
    for value in ("https://example.com/", "no URL", ""):
        assert shop.ok("cp", "THING.orders", "csv:-", env={"THING": value}).stdout == CSV


def test_a_variable_that_counts_for_more_is_told_of(shop):
    done = add(shop, "shop", "sqlite:other.db", env={"LEAT_CONN_SHOP": "sqlite:shop.db"})
    assert "variable LEAT_CONN_SHOP counts for more" in done.stderr
    env = {"LEAT_CONN_SHOP": "sqlite:shop.db", "LEAT_CONN_MY_PG": "postgres://h/db"}
    add(shop, "my-pg", "sqlite:x.db", env={})
    assert listed(shop, env=env) == {
        "shop": ("sqlite", "sqlite:shop.db", "variable LEAT_CONN_SHOP"),
        "my-pg": ("postgres", "postgres://h/db", "variable LEAT_CONN_MY_PG")}
    done = shop.fails(2, "not-found", "config", "connections", "remove", "elsewhere",
                      env={"LEAT_CONN_ELSEWHERE": "sqlite:x.db"})
    assert "variable LEAT_CONN_ELSEWHERE" in done.stderr


@pytest.mark.parametrize("where", ["vault", "variable"])
def test_a_name_that_is_a_path_too_is_refused_with_both_readings(shop, where):
    env = {}
    if where == "vault":
        add(shop, "orders", "sqlite:shop.db")
    else:
        env = {"orders": "sqlite:shop.db"}
    done = shop.fails(2, "invalid", "cp", "orders.csv", "csv:-", env=env)
    assert "orders#csv" in done.stderr and "./orders.csv" in done.stderr
    assert shop.ok("cp", "./orders.csv", "csv:-", env=env).stdout == CSV
    assert shop.ok("cp", "orders.orders", "csv:-", env=env).stdout == CSV
    assert shop.ok("cp", "orders#orders", "csv:-", env=env).stdout == CSV


def test_the_namespace_of_a_connection_stays(leat, pg_db):
    pg_db.execute("create schema s1", "create table s1.t (a text)", "insert into s1.t values ('s1')",
                  "create table t (a text)", "insert into t values ('public')")
    add(leat, "db", f"{pg_db.url}#s1.")
    assert leat.ok("cp", "db.t", "csv:-").stdout == "a\ns1\n"
    assert leat.ok("cp", "db.public.t", "csv:-").stdout == "a\npublic\n"
    (leat.home / "p.yaml").write_text(f"connections: {{own: '{pg_db.url}#s1.'}}\n"
                                      "steps:\n  - {copy: own.t, to: db.u}\n"
                                      "  - {copy: db, to: own, streams: {t: {to: v}}}\n",
                                      encoding="utf-8")
    leat.ok("pipe", "run", "p.yaml")
    with pg_db.connect() as connection:
        assert connection.execute("select u.a, v.a from s1.u, s1.v").fetchall() == [("s1", "s1")]


def test_a_stream_of_a_file_is_no_connection(shop):
    add(shop, "shop", "sqlite:elsewhere.db")
    assert shop.ok("cp", "shop.db#orders", "csv:-").stdout == CSV
    done = shop.fails(2, "invalid", "streams", "shop.db")
    assert "./shop.db" in done.stderr


def test_a_locked_vault_is_an_error_only_where_the_name_can_be_nothing_else(shop):
    secret = {"LEAT_PASSPHRASE": "correct horse"}
    add(shop, "kept", "sqlite:shop.db", env=secret)
    assert shop.ok("cp", "kept.orders", "csv:-", env=secret).stdout == CSV
    done = shop.fails(2, "vault-locked", "cp", "kept.orders", "csv:-")
    assert "kept" in done.stderr
    assert shop.ok("cp", "orders.csv", "csv:-").stdout == CSV  # a path
    assert shop.ok("cp", "other.orders", "csv:-",
                   env={"LEAT_CONN_OTHER": "sqlite:shop.db"}).stdout == CSV
    assert shop.ok("cp", "sqlite:shop.db#orders", "csv:-").stdout == CSV
    done = shop("config", "connections", "list", env={"LEAT_CONN_OTHER": "sqlite:shop.db"})
    assert done.returncode == 2 and "other" in done.stdout and "[vault-locked]" in done.stderr
    assert set(listed(shop, env=secret)) == {"kept"}


def test_a_name_close_to_one_is_suggested(shop):
    add(shop, "warehouse", "sqlite:shop.db")
    done = shop.fails(2, "not-found", "cp", "warehose.orders", "csv:-")
    assert "did you mean warehouse?" in done.stderr
    done = shop.fails(2, "not-found", "config", "connections", "show", "warehose")
    assert "did you mean warehouse?" in done.stderr


def test_a_broken_url_is_told_with_the_variable_it_stands_in(leat):
    done = leat.fails(2, "invalid", "streams", "x", env={"LEAT_CONN_X": SECRET})
    assert "variable LEAT_CONN_X" in done.stderr and SECRET not in done.stderr
    done = leat.fails(2, "unknown-scheme", "streams", "x",
                      env={"LEAT_CONN_X": f"postgress://u:{SECRET}@h/db"})
    assert "variable LEAT_CONN_X" in done.stderr and SECRET not in done.stderr


# --- URLs -----------------------------------------------------------------------------------------

USER = f"leat:{PASSWORD}@"
PG_FORMS = [
    "postgresql://{user}{host}:{port}/{db}",
    "postgres://{user}{host}:{port}/{db}",
    "POSTGRESQL://{user}{host}:{port}/{db}",
    "postgresql+psycopg2://{user}{host}:{port}/{db}",
    "postgres+asyncpg://{user}{host}:{port}/{db}?ssl=disable",
    "postgresql+psycopg://{user}{host}:{port}/{db}?connect_timeout=5&client_encoding=utf8",
    "postgresql://{user}/{db}?host={host}&port={port}",
    "postgresql:///{db}?host={host}&port={port}&user=leat&password={password}",
    "postgres://le%61t:{encoded}@{host}:{port}/{db}",
    "postgres://{user}{host}:1,{host}:{port}/{db}?connect_timeout=5",
    "postgres://{user}{host}:{port}/{db}?application_name=a%20b&options=-c%20work_mem%3D1MB",
    "postgres://{user}{host}:{port}/{db}?schema=other&connection_limit=5&pgbouncer=true",
    "jdbc:postgresql://{host}:{port}/{db}?user=leat&password={password}",
    "jdbc:postgresql://{host}:{port}/{db}?user=leat&password={password}&ssl=false"
    "&ApplicationName=x&currentSchema=other&loginTimeout=5&socketTimeout=30&tcpKeepAlive=true"
    "&targetServerType=primary&reWriteBatchedInserts=true",
]


def test_urls_of_postgresql_as_other_programs_write_them(leat, pg, pg_db):
    pg_db.execute("create table t (id int)", "insert into t values (7)", "create schema other",
                  "create table other.u (id int)", "insert into other.u values (8)")
    encoded = "".join(f"%{byte:02X}" for byte in PASSWORD.encode())
    urls = {f"form{i}": form.format(user=USER, host="127.0.0.1", port=pg.port, db=pg_db.name,
                                    password=PASSWORD, encoded=encoded)
            for i, form in enumerate(PG_FORMS)}
    shown = ""
    for name, url in urls.items():
        assert leat.ok("cp", url + "#public.t", "csv:-").stdout == "id\n7\n", url
        if "chema=" in url:
            assert leat.ok("cp", url + "#u", "csv:-").stdout == "id\n8\n", url
        add(leat, name, url)
        assert leat.ok("cp", f"{name}.public.t", "csv:-").stdout == "id\n7\n", url
        shown += leat.ok("config", "connections", "show", name).stdout
        # The same of an error
        shown += leat("cp", url.replace(f":{pg.port}", ":1") + "#public.absent", "csv:-",
                      "--retries", "0", "-vv").stderr
    for words in (("list",), ("list", "--json"), ("test",)):
        done = leat.ok("config", "connections", *words)
        shown += done.stdout + done.stderr
    assert "form13" in shown and "***" in shown
    assert PASSWORD not in shown and encoded not in shown


def test_parameters_that_nobody_knows_are_still_refused(leat, pg_db):
    done = leat.fails(2, "unknown-option", "streams", pg_db.url + "?aplication_name=x")
    assert "application_name" in done.stderr


SQLITE_FORMS = ["sqlite:shop.db", "sqlite:///shop.db", "sqlite:////{home}/shop.db",
                "sqlite:{home}/shop.db", "sqlite+pysqlite:///shop.db", "sqlite3:///shop.db",
                "jdbc:sqlite:shop.db", "jdbc:sqlite:{home}/shop.db", "SQLite:shop.db",
                "sqlite:///sh%6Fp.db", "sqlite:sh%6fp.db", "sqlite:///shop.db?mode=ro"]


@pytest.mark.parametrize("form", SQLITE_FORMS)
def test_urls_of_sqlite_as_other_programs_write_them(shop, form):
    url = form.format(home=shop.home)
    assert shop.ok("cp", url + "#orders", "csv:-").stdout == CSV
    add(shop, "it", url)
    assert shop.ok("cp", "it.orders", "csv:-").stdout == CSV


def test_a_file_with_a_mark_of_urls_in_its_name_is_opened(shop):
    for name in ("a#b.db", "a%41b.db", "a?b=c.db"):
        os.link(shop.home / "shop.db", shop.home / name)
        assert shop.ok("streams", name).stdout.startswith("orders"), name


def test_a_reference_may_hold_what_a_url_gives_a_meaning_to(shop):
    add(shop, "it", "sqlite:${cmd:printf %s shop # a@b/c?d=e}.db")
    assert shop.ok("cp", "it.orders", "csv:-").stdout == CSV
    assert shop.ok("cp", "it", "lake/", "--format", "csv").returncode == 0


def test_a_reference_may_be_a_whole_url(shop):
    add(shop, "it", "${env:WHERE}")
    env = {"WHERE": "sqlite:shop.db"}
    assert shop.ok("cp", "it.orders", "csv:-", env=env).stdout == CSV
    assert shop.ok("cp", "it", "csv:-", env={"WHERE": "sqlite:shop.db#orders"}).stdout == CSV
    assert checked(shop, "it", env=env)[0]["it"]["ok"]
    done = shop("cp", "it.orders", "csv:-")
    assert done.returncode == 2 and "WHERE" in done.stderr


# --- questions ------------------------------------------------------------------------------------

class Terminal:
    """The program on a terminal of its own; what it shows is collected."""

    def __init__(self, leat, *arguments, env=None):
        self.shown = b""
        self.fd, theirs = pty.openpty()

        def take_terminal():
            os.setsid()
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

        self.child = leat.start(*arguments, env={"TERM": "dumb", **(env or {})}, stdin=theirs,
                                stdout=theirs, stderr=theirs, preexec_fn=take_terminal)
        os.close(theirs)

    def until(self, text):
        deadline = time.monotonic() + 30
        at = 0
        while text.encode() not in self.shown[at:]:
            assert time.monotonic() < deadline, f"no {text!r} in {self.shown!r}"
            if select.select([self.fd], [], [], 0.5)[0]:
                self.shown += os.read(self.fd, 4096)
        self.shown, before = self.shown.partition(text.encode())[2], self.shown
        return before

    def answer(self, prompt, line):
        shown = self.until(prompt)
        os.write(self.fd, line.encode() + b"\n")
        return shown

    def end(self):
        shown = self.shown
        while True:
            try:
                more = os.read(self.fd, 4096)
            except OSError:
                break
            if not more:
                break
            shown += more
        os.close(self.fd)
        return self.child.wait(timeout=30), shown.decode()


def test_a_connection_is_asked_for_and_its_password_not_shown(leat, pg, pg_db):
    pg_db.execute("create table t (id int)", "insert into t values (7)")
    at = Terminal(leat, "config", "connections", "add")
    for prompt, line in (("Name of the connection", "a.b"), ("Name of the connection", "pg"),
                         ("Connector", "postgres"), ("Host [localhost]", "127.0.0.1"),
                         ("Port [5432]", str(pg.port)), ("Database", pg_db.name),
                         ("User", "leat"), ("Password", PASSWORD)):
        assert PASSWORD.encode() not in at.answer(prompt, line)
    status, shown = at.end()
    assert status == 0 and 'connection "pg" added' in shown and PASSWORD not in shown
    assert leat.ok("cp", "pg.public.t", "csv:-").stdout == "id\n7\n"
    assert listed(leat)["pg"][1] == f"postgres://leat:***@127.0.0.1:{pg.port}/{pg_db.name}"


def test_odd_characters_of_answers_are_encoded(leat):
    at = Terminal(leat, "config", "connections", "add", "odd")
    for prompt, line in (("Connector", "postgres"), ("Host", "::1"), ("Port", ""),
                         ("Database", "a b/c"), ("User", "j@e:"), ("Password", "p@:/#? %w")):
        at.answer(prompt, line)
    assert at.end()[0] == 0
    shown = leat.ok("config", "connections", "show", "odd").stdout
    for line in ("user       j@e:", "host       ::1", "port       5432", "database   a b/c"):
        assert line in shown


@pytest.mark.parametrize("lock", ["machine", "passphrase", "key file"])
def test_the_guided_start_makes_a_vault_and_a_connection(shop, lock):
    env = {"LEAT_KEYRING": "none"}
    at = Terminal(shop, "config", "init", env=env)
    at.answer("Lock it by", lock)
    if lock == "passphrase":
        at.answer("Passphrase: ", "correct horse")
        at.answer("once more: ", "correct horse")
    elif lock == "key file":
        at.answer("Key file", "my.key")
    at.answer("Add a connection", "")
    for prompt, line in (("Name of the connection", "gone"), ("Connector", "postgres"),
                         ("Host", "127.0.0.1"), ("Port", str(free_port())), ("Database", "x"),
                         ("User", "x"), ("Password", ""), ("Keep it all the same", "n"),
                         ("Add another one", "y"),
                         ("Name of the connection", "shop"), ("Connector", "sqlite"),
                         ("File of the database", "shop.db"), ("Add another one", "")):
        at.answer(prompt, line)
    if lock == "passphrase":
        at.answer("Stay logged in for a day", "n")
    status, shown = at.end()
    assert status == 0 and "leat streams shop" in shown, shown
    env = {"passphrase": {"LEAT_PASSPHRASE": "correct horse"},
           "key file": {"LEAT_KEY_FILE": "my.key"}}.get(lock, {})
    assert listed(shop, env=env) == {"shop": ("sqlite", f"sqlite:{shop.home}/shop.db", "vault")}
    assert shop.ok("cp", "shop.orders", "csv:-", env=env).stdout == CSV


def test_without_a_terminal_nothing_is_asked(leat):
    for words in (("config", "init"), ("config", "connections", "add"),
                  ("config", "connections", "add", "pg")):
        child = leat.start(*words, start_new_session=True)
        _, err = child.communicate(timeout=20)
        assert child.returncode == 2 and b"[usage]" in err, err


# --- test -----------------------------------------------------------------------------------------

@pytest.fixture
def roles(pg_db):
    """Roles with fewer and fewer rights, by name -> URL."""
    name = pg_db.name
    pg_db.execute(
        "create table t (id int)", "insert into t values (7)",
        "revoke all on schema public from public",
        *(f"create role {name}_{role} login password '{PASSWORD}'"
          for role in ("reader", "writer", "maker", "nobody", "stream")),
        f"grant usage on schema public to {name}_reader, {name}_writer, {name}_stream",
        f"grant select on t to {name}_reader, {name}_writer",
        f"grant insert on t to {name}_writer",
        f"grant usage, create on schema public to {name}_maker",
        f"grant select on t to {name}_maker",
        f"alter role {name}_stream replication")
    yield {role: pg_db.url.replace("leat:", f"{name}_{role}:")
           for role in ("reader", "writer", "maker", "nobody", "stream")}
    pg_db.execute(*(f"drop owned by {name}_{role}; drop role {name}_{role}"
                    for role in ("reader", "writer", "maker", "nobody", "stream")))


def test_what_an_account_may_do_is_told(leat, pg_db, roles):
    with pg_db.connect() as connection:
        logical = connection.execute("show wal_level").fetchone()[0] == "logical"
        version = connection.execute("show server_version").fetchone()[0].split()[0]
    for role, url in roles.items():
        add(leat, role, url)
    add(leat, "owner", pg_db.url)
    rows, _ = checked(leat)
    #          read   create write  replicate
    assert {name: tuple(row[f"can_{what}"] for what in ("read", "create", "write", "replicate"))
            for name, row in rows.items()} == {
        "nobody": (False, False, False, False),
        "stream": (False, False, False, logical),
        "reader": (True, False, False, False),
        "writer": (True, False, True, False),
        "maker": (True, True, True, False),
        "owner": (True, True, True, logical)}
    assert list(rows) == sorted(rows)
    for name, row in rows.items():
        assert row["ok"] and row["system"] == "PostgreSQL"
        assert row["version"].startswith(version)
        assert 0 < row["round_trip_ms"] < 5000 and 0 < row["connect_ms"] < 15000
        assert row["user"] == ("leat" if name == "owner" else f"{pg_db.name}_{name}")
    table = leat.ok("config", "connections", "test", "reader", "maker").stdout
    lines = {line.split()[0]: line for line in table.splitlines()}
    assert lines["reader"].rstrip().endswith(" read")
    assert lines["maker"].rstrip().endswith(" read, create, write")


def test_a_session_that_is_read_only_writes_nothing(leat, pg_db):
    url = pg_db.url + "?options=-c%20default_transaction_read_only%3Don"
    row = checked(leat, "ro", env={"LEAT_CONN_RO": url})[0]["ro"]
    assert (row["can_read"], row["can_create"], row["can_write"]) == (True, False, False)


def test_connections_that_fail_are_told_and_the_others_tested(leat, pg_db, roles):
    add(leat, "closed", f"postgres://u:{SECRET}@127.0.0.1:{free_port()}/db")
    add(leat, "wrong", pg_db.url.replace(PASSWORD, SECRET))
    add(leat, "absent", pg_db.url.replace(pg_db.name, "no_such_db"))
    add(leat, "good", pg_db.url)
    rows, done = checked(leat, status=1)
    assert {name: (row["ok"], row.get("code")) for name, row in rows.items()} == {
        "closed": (False, "unavailable"), "wrong": (False, "denied"),
        "absent": (False, rows["absent"]["code"]), "good": (True, None)}
    assert "no_such_db" in rows["absent"]["message"]
    assert SECRET not in done.stdout + done.stderr and PASSWORD not in done.stdout + done.stderr
    for name in ("closed", "wrong", "absent"):
        assert f" {name}: " in done.stderr
    done = leat("config", "connections", "test", "nowhere")
    assert done.returncode == 1 and "[not-found]" in done.stderr
    table = leat("config", "connections", "test").stdout
    assert [line.split()[:2] for line in table.splitlines()[2:]] == [
        ["absent", rows["absent"]["code"]], ["closed", "unavailable"], ["good", "ok"],
        ["wrong", "denied"]]


def test_files_and_sqlite_are_tested_too(shop):
    add(shop, "db", "sqlite:shop.db")
    add(shop, "ro", "sqlite:shop.db?mode=ro")
    add(shop, "gone", "sqlite:gone.db?mode=ro")
    add(shop, "lake", "csv:orders.csv")
    rows, _ = checked(shop, status=1)
    assert rows["db"]["can_write"] and not rows["ro"]["can_write"]
    assert rows["db"]["system"] == "SQLite" and not rows["gone"]["ok"]
    assert rows["lake"]["can_read"]
    assert "there are no connections" in shop.ok(
        "config", "connections", "test", env={"LEAT_VAULT": str(shop.home / "none")}).stderr
