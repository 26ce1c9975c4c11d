"""How a PostgreSQL server is reached: variables, service files, password files, TLS modes."""
import subprocess

import pytest
from postgres import PASSWORD, free_port


@pytest.fixture
def table(pg_db):
    pg_db.execute("create table t (id int primary key, name text)",
                  "insert into t select i, 'n' || i from generate_series(1, 20) i")
    return pg_db


def lines(done):
    return done.stdout.splitlines()


@pytest.mark.quick
def test_variables_of_libpq_name_server_and_password(leat, pg, table):
    variables = {"PGHOST": "127.0.0.1", "PGPORT": str(pg.port), "PGUSER": "leat",
                 "PGPASSWORD": PASSWORD, "PGDATABASE": table.name}
    done = leat.ok("cp", "postgres://#public.t", "csv:-", env=variables)
    assert len(lines(done)) == 21


def test_service_file_and_password_file_are_read(leat, pg, table, tmp_path):
    service = tmp_path / "services.conf"
    service.write_text(f"[shop]\nhost=127.0.0.1\nport={pg.port}\nuser=leat\ndbname={table.name}\n",
                       encoding="utf-8")
    password = tmp_path / "pgpass"
    password.write_text(f"127.0.0.1:{pg.port}:*:leat:{PASSWORD}\n", encoding="utf-8")
    password.chmod(0o600)
    variables = {"PGSERVICEFILE": str(service), "PGPASSFILE": str(password)}
    done = leat.ok("cp", "postgres://?service=shop#public.t", "csv:-", env=variables)
    assert len(lines(done)) == 21


def test_a_named_connection_is_a_variable_and_takes_a_stream(leat, table):
    done = leat.ok("cp", "shop.public.t", "csv:-", env={"LEAT_CONN_SHOP": table.url})
    assert len(lines(done)) == 21


@pytest.fixture
def tls(pg, table):
    """The server with a certificate of its own, and a view that shows who reads it how."""
    certificate = pg.enable_tls()
    table.execute("create view watched as select id, name, (select ssl from pg_stat_ssl "
                  "where pid = pg_backend_pid()) as tls from t")
    yield certificate
    pg.disable_tls()


@pytest.mark.parametrize("mode, expected", [
    ("disable", "false"), ("allow", "false"), ("prefer", "true"), ("require", "true")])
def test_tls_mode_of_the_url_decides(leat, table, tls, mode, expected):
    done = leat.ok("cp", f"{table.url}?sslmode={mode}#public.watched", "csv:-", "--columns=tls")
    assert set(lines(done)[1:]) == {expected}


def test_verify_full_believes_only_the_certificate_it_was_given(leat, table, tls, tmp_path):
    url = table.url.replace("127.0.0.1", "localhost")
    done = leat.ok("cp", f"{url}?sslmode=verify-full&sslrootcert={tls}#public.watched", "csv:-",
                   "--columns=tls")
    assert set(lines(done)[1:]) == {"true"}
    other = tmp_path / "other.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout",
                    tmp_path / "key", "-out", other, "-days", "2", "-subj", "/CN=elsewhere"],
                   check=True, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    leat.fails((1, 2, 75), ("denied", "invalid", "unavailable"), "cp",
               f"{url}?sslmode=verify-full&sslrootcert={other}#public.watched", "csv:-")


def test_require_fails_where_the_server_has_no_tls(leat, table):
    leat.fails((1, 2, 75), ("denied", "invalid", "unavailable"), "cp",
               f"{table.url}?sslmode=require#public.t", "csv:-")


def test_unix_socket_is_a_host_that_begins_with_a_slash(leat, pg, table):
    location = f"postgres://leat:{PASSWORD}@/{table.name}?host={pg.root}&port={pg.port}#public.t"
    assert len(lines(leat.ok("cp", location, "csv:-"))) == 21


def test_first_of_several_hosts_that_answers_is_used(leat, pg, table):
    location = f"postgres://leat:{PASSWORD}@127.0.0.1:{free_port()},127.0.0.1:{pg.port}/{table.name}#public.t"
    assert len(lines(leat.ok("cp", location, "csv:-"))) == 21


def test_target_session_attributes_choose_among_the_hosts(leat, pg, table):
    location = f"postgres://leat:{PASSWORD}@127.0.0.1:{pg.port}/{table.name}?target_session_attrs=%s#public.t"
    assert len(lines(leat.ok("cp", location % "read-write", "csv:-"))) == 21
    leat.fails((1, 2, 75), "unavailable", "cp", location % "read-only", "csv:-", "--retries=0")


@pytest.mark.parametrize("where", ["url", "variable"])
def test_options_of_the_session_are_passed_on(leat, table, where):
    table.execute("create schema other", "create table other.t (id int)", "insert into other.t values (5)")
    options = "-c search_path=other"
    url = table.url + ("?options=" + options.replace(" ", "%20").replace("=", "%3D") if where == "url" else "")
    done = leat.ok("cp", url, "csv:-", "--query", "select * from t",
                   env={"PGOPTIONS": options} if where == "variable" else {})
    assert lines(done) == ["id", "5"]


def test_settings_of_the_login_do_not_change_what_texts_mean(leat, table):
    """Dates, intervals, bytes and floats go as text in places; a role may have set them otherwise."""
    for setting in ("datestyle = 'German, DMY'", "intervalstyle = 'sql_standard'", "bytea_output = 'escape'",
                    "extra_float_digits = -15", "timezone = 'Asia/Kathmandu'", "array_nulls = off",
                    "xmloption = document"):
        table.execute(f"alter database {table.name} set {setting}")
    table.execute("create type many as (d date, i interval, b bytea, f float8, z timestamptz)",
                  "create table s (id int, m many, r tstzrange, l many[], x xml, n text[], i inet)",
                  "insert into s select 1, row('2024-02-01', '-1 day 2 hours', '\\x00ff', 0.1, "
                  "'2024-02-01 00:00+00')::many, '[2024-02-01 00:00+00,]', "
                  "array[row('2024-02-01', '1 month -1 day', null, 1e300, null)::many], "
                  "xmlparse(content 'text'), '{\"NULL\",b}', '::1'")
    leat.ok("cp", table.stream("s"), table.stream("far"))
    with table.connect() as connection:
        assert connection.execute("select count(*) from s join far on s.m = far.m and s.l = far.l and s.r = far.r "
                                  "and s.n = far.n and s.x::text = far.x::text").fetchone() == (1,)


def test_password_file_in_the_home_and_sslmode_variable_are_read(leat, pg, table):
    password = leat.home / ".pgpass"
    password.write_text(f"*:*:*:leat:{PASSWORD}\n", encoding="utf-8")
    password.chmod(0o600)
    url = f"postgres://leat@127.0.0.1:{pg.port}/{table.name}#public.t"
    assert len(lines(leat.ok("cp", url, "csv:-"))) == 21
    leat.fails((1, 2, 75), ("denied", "invalid", "unavailable"), "cp", url, "csv:-",
               env={"PGSSLMODE": "require"})
    password.chmod(0o644)  # libpq ignores one that others may read
    leat.fails((1, 2, 77), "denied", "cp", url, "csv:-")


def test_references_stand_in_the_password_option_and_in_the_state_url(leat, pg, table, tmp_path):
    bare = f"postgres://leat@127.0.0.1:{pg.port}/{table.name}"
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD + "\n", encoding="utf-8")
    secret.chmod(0o600)
    out = tmp_path / "out.csv"
    for reference in ("${env:PW}", f"${{file:{secret}}}", "${cmd:echo " + PASSWORD + "}"):
        done = leat.ok("cp", f"{bare}#public.t", out, "--password", reference, "--state",
                       bare.replace("leat@", f"leat:{reference}@"), env={"PW": PASSWORD})
        assert PASSWORD not in done.stdout + done.stderr
        out.unlink()
    shown = leat.ok("runs", "--json", "--state", bare.replace("leat@", "leat:${env:PW}@"), env={"PW": PASSWORD}).stdout
    assert shown.count('"run"') == 3 and PASSWORD not in shown
    leat.fails((1, 2), "reference", "cp", f"{bare}#public.t", out, "--password", "${env:NO_SUCH}")
    leat.fails((1, 2), "reference", "runs", "--state", bare.replace("leat@", "leat:${env:NO_SUCH}@"))
    done = leat("cp", f"{bare}#public.t", out, "--password", "${odd}", "--retries", "0")  # no reference: a password
    assert "[reference]" not in done.stderr and done.returncode != 0
