"""Variables instead of arguments: env files, options, 12-factor mode; and words of other programs."""
import itertools
import json
import os

import pytest

from conftest import needed

CSV = "id,n\n1,a\n2,b\n"


@pytest.fixture
def shop(leat):
    """A SQLite database `shop.db` with a table `orders`, in the working directory."""
    (leat.home / "orders.csv").write_text(CSV, encoding="utf-8")
    leat.ok("cp", "orders.csv", "sqlite:shop.db")
    return leat


def write(leat, name, text):
    (leat.home / name).write_text(text, encoding="utf-8")


def explained(leat, *words, env=None):
    """Name of each option and connection -> (value, origin)."""
    rows = [json.loads(line) for line in
            leat.ok("config", "explain", "--json", *words, env=env).stdout.splitlines()]
    return {row.get("option", row.get("connection")): (row["value"], row["origin"])
            for row in rows}


# --- env files ------------------------------------------------------------------------------------

@pytest.mark.quick
def test_a_url_in_dot_env_is_a_connection_by_the_variables_name(shop):
    write(shop, ".env", "# the shop\nexport SHOP_URL='sqlite:///shop.db' # ours\n")
    assert shop.ok("cp", "SHOP_URL.orders", "csv:-").stdout == CSV
    assert shop.ok("streams", "SHOP_URL").stdout.startswith("orders")


def test_libpqs_variables_in_dot_env_are_read(leat, pg, pg_db):
    from postgres import PASSWORD
    pg_db.execute("create table t (id int)", "insert into t values (7)")
    write(leat, ".env", f"PGHOST=127.0.0.1\nPGPORT={pg.port}\nPGUSER=leat\n"
                        f"PGPASSWORD={PASSWORD}\nPGDATABASE={pg_db.name}\n")
    assert leat.ok("cp", "postgres://#public.t", "csv:-").stdout == "id\n7\n"


def test_variables_of_pipes_are_those_of_dot_env_too(shop):
    write(shop, ".env", "SHOP_URL=sqlite:shop.db\nWHERE=id = 2\n")
    write(shop, "p.yaml", "from: ${SHOP_URL}\nto: sqlite:out.db\nstreams:\n"
                          "  orders: {where: \"${WHERE}\"}\n")
    shop.ok("pipe", "run", "p.yaml")
    assert shop.ok("cp", "sqlite:out.db#orders", "csv:-").stdout == "id,n\n2,b\n"


def test_env_files_that_are_named_stand_in_for_dot_env(shop):
    write(shop, ".env", "SHOP=sqlite:absent.db\n")
    write(shop, "a.env", "SHOP=sqlite:absent.db\nLEAT_LIMIT=1\n")
    write(shop, "b.env", "SHOP=sqlite:shop.db\n")
    done = shop.ok("cp", "SHOP.orders", "csv:-", "--env-file", "a.env", "--env-file=b.env")
    assert done.stdout == "id,n\n1,a\n"  # the limit of the first, the place of the second
    done = shop.ok("cp", "SHOP.orders", "csv:-", env={"LEAT_ENV_FILE": "b.env"})
    assert done.stdout == CSV
    shop.fails(2, "not-found", "cp", "SHOP.orders", "csv:-", "--env-file", "none")


@pytest.mark.parametrize("text, line", [
    ("A=1\nhunter2\n", 2), ("A='hunter2\n", 1), ("A=1\n\nB=\"x\" hunter2\n", 3)])
def test_a_fault_in_an_env_file_names_file_and_line_but_no_value(shop, text, line):
    write(shop, ".env", text)
    done = shop.fails(2, "invalid", "streams", "shop.db")
    assert f".env:{line}:" in done.stderr
    assert "hunter2" not in done.stderr
    assert shop.ok("streams", "shop.db", "--env-file", "none").stdout.startswith("orders")
    assert shop.ok("version").stdout.startswith("leat")  # needs no variables


def test_a_named_env_file_that_is_not_there_is_an_error(shop):
    done = shop.fails(2, "not-found", "streams", "shop.db", "--env-file", "absent.env")
    assert "absent.env" in done.stderr


@pytest.mark.parametrize("line", [
    "LEAT_PLUGIN_PATH=/evil", "LEAT_KEY_FILE=/evil", "LEAT_VAULT=/evil", "LEAT_PASSPHRASE=evil",
    "PGSERVICEFILE=/evil", "PGPASSFILE=/evil", "PGSSLROOTCERT=/evil", "PGSSLMODE=disable",
    "LEAT_CONN_SHOP=sqlite:${file:/etc/hostname}", "LEAT_CONN_SHOP=sqlite:${cmd:touch ran}"])
def test_a_found_dot_env_does_not_decide_whom_leat_trusts(shop, line):
    write(shop, ".env", line + "\n")
    done = shop("streams", "shop.db")
    assert done.returncode == 0 and "not taken" in done.stderr, done.stderr
    name = line.partition("=")[0]
    assert f".env:1: {name} is not taken" in done.stderr
    shop("streams", "shop")
    assert not (shop.home / "ran").exists()


def test_a_found_dot_env_reaches_no_child_and_no_library(shop):
    """A command of a reference sees what the user's environment has, and nothing of .env."""
    write(shop, ".env", "LD_PRELOAD=/evil.so\nSECRET_OF_ENV=1\nPATH=/evil\n")
    done = shop.ok("cp", "SHOP.orders", "csv:-",
                   env={"SHOP": "sqlite:${cmd:env > seen; printf shop.db}"})
    assert done.stdout == CSV
    seen = (shop.home / "seen").read_text(encoding="utf-8")
    assert "LD_PRELOAD" not in seen and "SECRET_OF_ENV" not in seen
    assert f"PATH={os.environ['PATH']}" in seen


@pytest.mark.parametrize("change", ["mode", "owner"])
def test_a_dot_env_of_somebody_else_is_left_alone(shop, change):
    write(shop, ".env", "SHOP=sqlite:shop.db\n")
    if change == "mode":
        (shop.home / ".env").chmod(0o666)
    elif os.geteuid() == 0:
        os.chown(shop.home / ".env", 12345, -1)
    else:
        needed("another owner of a file: run as root")
    done = shop.fails(2, "not-found", "streams", "SHOP")
    assert ".env is not read" in done.stderr
    assert shop.ok("streams", "SHOP", "--env-file", ".env").stdout.startswith("orders")


# --- precedence -----------------------------------------------------------------------------------

LEVELS = ("flag", "variable", "env file", "stored")
CHOICES = [set(each) for n in range(len(LEVELS) + 1)
           for each in itertools.combinations(LEVELS, n)]


def test_options_come_from_flag_variable_env_file_store_and_program_in_this_order(leat):
    values = {"flag": "1", "variable": "2", "env file": "3", "stored": "4"}
    origins = {"flag": "flag", "variable": "variable LEAT_PARALLEL",
               "env file": "variable LEAT_PARALLEL in .env:2", "stored": "stored default"}
    for chosen in sorted(CHOICES, key=lambda each: "stored" in each):
        if "stored" in chosen:
            leat.ok("config", "defaults", "add", "parallel", values["stored"], "--force")
        write(leat, ".env", f"\nLEAT_PARALLEL={values['env file']}\n"
              if "env file" in chosen else "")
        flags = ["--parallel", values["flag"]] if "flag" in chosen else []
        env = {"LEAT_PARALLEL": values["variable"]} if "variable" in chosen else {}
        level = next((each for each in LEVELS if each in chosen), None)
        expected = (values[level], origins[level]) if level else (None, "built-in")
        assert explained(leat, "cp", *flags, env=env)["parallel"] == expected, chosen


def test_explain_shows_flags_of_every_kind_and_connections(shop):
    env = {"LEAT_CONN_SHOP": "sqlite:shop.db", "LEAT_KEY": "id", "LEAT_STATE": "none",
           "SHOP_PASSWORD": "x"}
    rows = explained(shop, "cp", "delta", "shop.orders", "pg:x", "-d", "n", "-q",
                     "--primary-key", "id,n", env=env)
    assert rows["shop"] == ("sqlite:shop.db", "variable LEAT_CONN_SHOP")
    assert rows["cursor"] == ("n", "flag")
    assert rows["key"] == ("id,n", "flag")
    assert rows["quiet"] == ("true", "flag")
    assert rows["state"] == ("none", "variable LEAT_STATE")
    assert rows["max-errors"] == ("1000", "built-in")
    assert "truncate" not in rows  # no option of deltas
    everything = explained(shop)
    assert "truncate" in everything and "cursor" in everything
    assert "Nothing" in shop.ok("config", "explain", "--help").stdout
    text = shop.ok("config", "explain", "cp", "shop.orders", "x.csv", env=env).stdout
    assert "variable LEAT_CONN_SHOP" in text
    shop.fails(2, "usage", "config", "explain", "cpp")
    shop.fails(2, "unknown-option", "config", "explain", "cp", "--paralel", "2")


def test_explain_hides_secrets(leat):
    env = {"LEAT_CONN_PG": "postgres://u:hunter2@h/db", "LEAT_STATE": "postgres://u:hunter2@h/db"}
    done = leat.ok("config", "explain", "cp", "pg.t", "x.csv", env=env)
    assert "hunter2" not in done.stdout + done.stderr
    assert "postgres://u:***@h/db" in done.stdout


def test_an_argument_leaves_the_variable_of_its_option_aside_and_no_other(shop):
    """-dpn holds a p and an n, but says nothing of --key and --dry-run."""
    env = {"LEAT_KEY": "id"}
    rows = explained(shop, "cp", "delta", "a", "b", "-dpn", env=env)
    assert rows["key"] == ("id", "variable LEAT_KEY")


# --- stored defaults ------------------------------------------------------------------------------

def test_stored_defaults_count_in_every_command_that_has_the_option(shop):
    shop.ok("config", "defaults", "add", "limit", "1")
    shop.ok("config", "defaults", "add", "-k", "commit-batch-size", "-v", "10")
    assert shop.ok("cp", "shop.db#orders", "csv:-").stdout == "id,n\n1,a\n"
    assert shop.ok("cp", "shop.db#orders", "csv:-", "--limit", "2").stdout == CSV
    shop.ok("streams", "shop.db")  # has no such option
    listed = [json.loads(line) for line in
              shop.ok("config", "defaults", "list", "--json").stdout.splitlines()]
    assert listed == [{"option": "commit-batch-size", "value": "10"},
                      {"option": "limit", "value": "1"}]
    assert "limit" in shop.ok("config", "defaults", "list").stdout
    shop.ok("config", "defaults", "remove", "limit", "commit-batch-size")
    assert shop.ok("cp", "shop.db#orders", "csv:-").stdout == CSV
    shop.fails(2, "not-found", "config", "defaults", "rm", "limit")


def test_keys_and_values_of_defaults_are_checked_against_the_tables(leat):
    done = leat.fails(2, "unknown-option", "config", "defaults", "add", "paralel", "4")
    assert "did you mean parallel?" in done.stderr
    leat.fails(2, "usage", "config", "defaults", "add", "parallel", "many")
    leat.fails(2, "usage", "config", "defaults", "add", "on-error", "perhaps")
    leat.fails(2, "usage", "config", "defaults", "add", "help", "true")
    leat.fails(2, "usage", "config", "defaults", "add", "parallel")
    leat.ok("config", "defaults", "add", "delimiter", ";")       # of a format
    leat.ok("config", "defaults", "add", "primary-keys", "id")   # Halfpipe's word for key
    leat.fails(2, "exists", "config", "defaults", "add", "key", "code")
    leat.ok("config", "defaults", "add", "--key", "key", "--value", "code", "-f")
    assert '"key","value":"code"' in leat.ok("config", "defaults", "list", "--json").stdout


def test_defaults_of_a_locked_vault_are_an_error_and_a_vault_without_any_is_none(shop):
    secret = {"LEAT_PASSPHRASE": "correct horse"}
    shop.ok("config", "connections", "add", "kept", "sqlite:shop.db", env=secret)
    assert shop.ok("cp", "shop.db#orders", "csv:-").stdout == CSV  # no key needed
    shop.ok("config", "defaults", "add", "limit", "1", env=secret)
    done = shop("cp", "shop.db#orders", "csv:-")
    assert done.returncode == 2 and "[vault-locked]" in done.stderr
    assert shop.ok("cp", "shop.db#orders", "csv:-", env=secret).stdout == "id,n\n1,a\n"
    shop.ok("config", "connections", "list", env=secret)
    shop.ok("version")


# --- 12-factor mode -------------------------------------------------------------------------------

def test_twelve_factor_mode_takes_command_and_places_from_variables(shop):
    env = {"LEAT_12FACTOR_MODE": "1", "LEAT_COMMAND": "cp", "LEAT_SUBCOMMAND": "snap",
           "LEAT_SOURCE": "sqlite:shop.db#orders", "LEAT_TARGET": "csv:-"}
    assert shop.ok(env=env).stdout == CSV
    assert shop.ok("--limit", "1", env=env).stdout == "id,n\n1,a\n"
    assert shop.ok(env={**env, "LEAT_LIMIT": "1"}).stdout == "id,n\n1,a\n"
    # arguments count and win
    assert shop.ok("cp", "orders.csv", "jsonl:-", env=env).stdout.startswith('{"id":1')
    assert shop.ok("cp", "orders.csv", env=env).stdout == CSV
    assert shop.ok("streams", env=env).stdout.startswith("orders")


def test_twelve_factor_mode_knows_dsn_and_object_and_names_of_connections(shop):
    env = {"LEAT_12FACTOR_MODE": "yes", "LEAT_COMMAND": "cp", "LEAT_SOURCE_DSN": "sqlite:shop.db",
           "LEAT_SOURCE_OBJECT": "orders", "LEAT_TARGET": "csv:-"}
    assert shop.ok(env=env).stdout == CSV
    bare = {**env, "LEAT_SOURCE_DSN": "shop.db", "LEAT_SOURCE_TYPE": "sqlite"}
    assert shop.ok(env=bare).stdout == CSV
    shop.ok("config", "connections", "add", "kept", "sqlite:shop.db")
    del env["LEAT_SOURCE_DSN"]
    assert shop.ok(env={**env, "LEAT_SOURCE": "kept"}).stdout == CSV
    write(shop, ".env", "".join(f"{name}={value}\n" for name, value in env.items()) +
          "LEAT_SOURCE=kept\n")
    assert shop.ok().stdout == CSV
    env = {"LEAT_12FACTOR_MODE": "on", "LEAT_COMMAND": "cp delta", "LEAT_SOURCE": "kept.orders",
           "LEAT_TARGET": "sqlite:b.db", "LEAT_KEY": "id", "LEAT_CURSOR": "id"}
    shop.ok("--env-file", "none", env=env)


def test_twelve_factor_mode_is_a_boolean_and_says_what_is_missing(shop):
    env = {"LEAT_COMMAND": "cp", "LEAT_SOURCE": "orders.csv", "LEAT_TARGET": "csv:-"}
    for off in ("", "0", "false", "no"):
        assert "leat moves tables" in shop.ok(env={**env, "LEAT_12FACTOR_MODE": off}).stdout
    env["LEAT_12FACTOR_MODE"] = "true"
    shop.fails(2, "usage", env={**env, "LEAT_12FACTOR_MODE": "perhaps"})
    shop.fails(2, "unsupported", env={**env, "LEAT_12FACTOR_MODE": "lambda"})
    done = shop.fails(2, "usage", env={**env, "LEAT_COMMAND": "cpp"})
    assert "variable LEAT_COMMAND" in done.stderr and "did you mean leat cp?" in done.stderr
    done = shop.fails(2, "usage", env={**env, "LEAT_TARGET": ""})
    assert "LEAT_TARGET" in done.stderr
    assert "LEAT_COMMAND" in shop.fails(2, "usage", env={**env, "LEAT_COMMAND": ""}).stderr
    # booleans are booleans
    done = shop.ok(env={**env, "LEAT_APPEND": "false", "LEAT_DRY_RUN": "no"})
    assert done.stdout == CSV


# --- words of other programs ----------------------------------------------------------------------

def test_places_as_sling_and_ingestr_name_them(shop):
    env = {"SHOP": "sqlite:shop.db"}
    sling = ["cp", "--src-conn", "SHOP", "--src-stream", "orders"]
    assert shop.ok(*sling, "--tgt-object", "csv:-", env=env).stdout == CSV
    shop.ok(*sling, "--tgt-conn", "sqlite:b.db", "--tgt-object=copied", "--mode", "full-refresh",
            env=env)
    assert shop.ok("cp", "b.db#copied", "csv:-").stdout == CSV
    ingestr = ["cp", "--source-uri", "sqlite:///shop.db", "--source-table",
               "query:select n from orders where id = 2", "--dest-uri"]
    assert shop.ok(*ingestr, "csv:-").stdout == "n\nb\n"
    shop.fails(2, "usage", *sling, env=env)
    shop.fails(2, "usage", *sling, "--tgt-object", "csv:-", "x.csv", env=env)


@pytest.mark.parametrize("words, command, expected", [
    (["--mode", "full-refresh"], "cp", {"replace": "true", "recreate": "true"}),
    (["--mode=truncate"], "cp", {"replace": "true"}),
    (["--mode", "append"], "cp", {"append": "true"}),
    (["--mode", "snapshot"], "cp", {"append": "true"}),
    (["--mode", "incremental", "--primary-key", "a", "--update-key", "b"], "cp delta",
     {"key": "a", "cursor": "b"}),
    (["--mode", "merge", "--update-key=b"], "cp delta", {"strategy": "merge", "cursor": "b"}),
    (["--update-key", "b", "--mode", "full-refresh"], "cp delta",
     {"cursor": "b", "full-refresh": "true"}),
    (["--incremental-strategy", "append"], "cp", {"append": "true"}),
    (["--incremental-strategy", "replace"], "cp", {"replace": "true"}),
    (["--incremental-strategy", "delete+insert", "--incremental-key", "b"], "cp delta",
     {"strategy": "delete+insert", "cursor": "b"}),
    (["--incremental-strategy", "scd2", "--incremental-key", "b"], "cp delta",
     {"strategy": "history"}),
    (["--incremental-key", "b", "--interval-start", "1", "--interval-end", "5"], "cp delta",
     {"start": "1", "end": "5", "cursor": "b"}),
    (["--select", "a,b"], "cp", {"columns": "a,b"}),
    (["--mode", "ro"], "cp", {"mode": "ro"}),  # of a SQLite file
])
def test_options_of_other_programs_are_options_of_leat(leat, words, command, expected):
    rows = explained(leat, "cp", "a", "b", *words)
    assert ("cursor" in rows) == (command == "cp delta")
    given = {name: value for name, (value, origin) in rows.items() if origin == "flag"}
    assert {name: given.get(name) for name in expected} == expected


def test_help_lists_the_words_of_other_programs(leat):
    text = leat.ok("help", "cp").stdout
    for word in ("--src-conn: SRC", "--dest-table: DST#", "--mode append: --append"):
        assert word in " ".join(text.split()), word
    assert "As other programs" not in leat.ok("help", "version").stdout


def test_incremental_mode_of_sling_merges(leat, shop):
    words = ["cp", "--mode", "incremental", "--src-conn", "sqlite:shop.db", "--src-stream",
             "orders", "--tgt-conn", "sqlite:b.db", "--tgt-object", "orders", "--primary-key", "id",
             "--update-key", "id"]
    shop.ok(*words)
    done = shop.ok(*words)
    assert "rows" not in done.stderr or "0 rows" in done.stderr or "nothing" in done.stderr
    assert shop.ok("cp", "b.db#orders", "csv:-").stdout == CSV
