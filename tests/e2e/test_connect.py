"""How a PostgreSQL server is reached: variables, service files, password files, TLS modes."""
import subprocess

import pytest
from postgres import PASSWORD


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
