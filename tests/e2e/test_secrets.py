"""The search for secrets: every command, with a secret in every place it can stand, and then a look
at everything that was printed, logged, written or could be seen of its processes.

Commands and options are taken from the program's own documentation: a new one is searched as soon as
it is there.
"""
import concurrent.futures
import itertools
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time
import urllib.parse

import pytest
from readers import pg_connect

SECRET = "hunter2/Zq9@Xy"  # neither a word nor a URL can hold it as it is
ENCODED = urllib.parse.quote(SECRET, safe="")
FORMS = [SECRET.encode(), ENCODED.encode(), ENCODED.lower().encode(), b"hunter2", b"Zq9"]
# What an argument of a usage line may well be the name of a place for.
PLACE_WORDS = {"SRC", "DST", "CONN", "CONN.STREAM", "URL", "CONNECTION", "NAME", "FILE"}
COMMAND_SECONDS_MAX = 60
# A type, which a message repeats; and the name of a pipeline, which is kept as it was given.
NO_PLACE = {"cast", "pipeline"}


def hits(data):
    return sorted({form.decode() for form in FORMS if form in data})


# --- what is searched -------------------------------------------------------------------------


def commands(leat):
    """[(words, positional arguments)] of all commands."""
    found = []
    for line in leat.ok("docs", "commands").stdout.splitlines():
        if not line.startswith("## leat "):
            continue
        words = line[len("## leat "):].replace("\\", "").split()
        name = list(itertools.takewhile(lambda word: re.fullmatch(r"[a-z0-9-]+", word), words))
        usage = " ".join(words[len(name):])
        usage = re.sub(r"\[-.*?\]\]|\[--\]", "", usage)
        found.append((name, re.findall(r"[A-Z][A-Z.]*[A-Z]", usage)))
    assert len(found) > 30 and (["cp"], ["SRC", "DST"]) in found, found
    return found


def options(leat, names):
    """{option: words of the first command that has it}, for options that take a value."""
    found = {}
    for name, _ in names:
        text = leat("help", *name).stdout
        for option in re.findall(r"^ +(?:-\w, )?--([a-z0-9-]+)(?: [A-Z\[a-z])", text, re.M):
            found.setdefault(option, name)
    for connector in re.findall(r"^  ([a-z]+)", leat.ok("connectors").stdout, re.M):
        text = leat("connectors", connector).stdout
        for option in re.findall(r"--([a-z0-9-]+)", text):
            found.setdefault(option, ["cp"])
    assert {"where", "report", "delimiter", "password"} <= set(found), sorted(found)
    return found


class Places:
    """Where a secret can stand: {name: (argument, environment)}."""

    def __init__(self, leat, pg, folder):
        self.server = f"127.0.0.1:{pg.port}/{folder.name.lower()}"
        base = f"127.0.0.1:{pg.port}/postgres"
        url = f"postgres://searched:{ENCODED}@{base}"
        (folder / "secret.txt").write_text(SECRET + "\n", encoding="utf-8")
        self.vault = folder / "vaults" / "vault"
        self.inputs = {folder / "secret.txt"}
        named = {
            "plain": url,
            "refenv": f"postgres://searched:${{env:SEARCHED_PW}}@{base}",
            "reffile": f"postgres://searched:${{file:{folder}/secret.txt}}@{base}",
            "refcmd": f"postgres://searched:${{cmd:cat {folder}/secret.txt}}@{base}",
        }
        for name, value in named.items():
            leat.ok("config", "connections", "add", name, value,
                    env={"LEAT_VAULT": str(self.vault)})
        dot_env = folder / "dot.env"
        dot_env.write_text(f"LEAT_CONN_DOTTED={url}\n", encoding="utf-8")
        self.inputs.add(dot_env)
        self.all = {
            "url-password": (url, {}),
            "url-parameter": (f"postgres://searched@{base}?password={ENCODED}", {}),
            "wrong-password": (f"postgres://searched:{ENCODED}x@{base}", {}),
            "no-such-port": (f"postgres://searched:{ENCODED}@127.0.0.1:99999/x", {}),
            "unencoded": (f"postgres://searched:{SECRET}@127.0.0.1:1/x", {}),
            "unknown-scheme": (f"nosuch://searched:{ENCODED}@h/x?token={ENCODED}", {}),
            "other-parameter": (f"csv:orders.csv?access_key={ENCODED}", {}),
            "driver": (f"jdbc:postgresql://{base}?user=searched&password={ENCODED}", {}),
            "variable": ("varied", {"LEAT_CONN_VARIED": url}),
            "any-variable": ("ANY_URL", {"ANY_URL": url}),
            "env-file": ("dotted", {"LEAT_ENV_FILE": str(dot_env)}),
            "libpq": (f"postgres://searched@{base}", {"PGPASSWORD": SECRET}),
        }
        for name in named:
            self.all[f"vault-{name}"] = (name, {"SEARCHED_PW": SECRET} if name == "refenv" else {})


class Search:
    def __init__(self, leat, places, folder):
        self.leat, self.places, self.folder = leat, places, folder
        self.numbers = itertools.count()
        self.tried, self.found, self.succeeded = 0, [], 0
        shutil.rmtree(folder / "runs", ignore_errors=True)

    def run(self, label, arguments, env, document=None):
        """One command in a folder of its own, with a vault of its own, at the most verbose; the
        document is pipe.yaml there."""
        folder = self.folder / "runs" / str(next(self.numbers))
        folder.mkdir(parents=True)
        (folder / "orders.csv").write_text("id\n1\n", encoding="utf-8")
        if document:
            (folder / "pipe.yaml").write_text(document, encoding="utf-8")
        vault = folder / "vault"
        shutil.copytree(self.places.vault.parent, vault)
        full = {**self.leat.env, "LEAT_LOG_LEVEL": "trace", "LEAT_REPORT": str(folder / "report"),
                "LEAT_STATE": str(self.folder / "state.db"), "LEAT_RETRIES": "0",
                "LEAT_VAULT": str(vault / "vault"), "LEAT_CONNECT_TIMEOUT": "5s",
                "LEAT_FOR": "100ms", **env}
        try:
            done = subprocess.run([str(self.leat.binary), *map(str, arguments)], cwd=folder,
                                  env=full, stdin=subprocess.DEVNULL, capture_output=True,
                                  timeout=COMMAND_SECONDS_MAX, check=False, start_new_session=True)
        except subprocess.TimeoutExpired as late:
            pytest.fail(f"{label}: {late}")
        self.tried += 1
        self.succeeded += done.returncode == 0
        # The key of the vault lies beside it, and is no secret of this search.
        seen = {"stdout": done.stdout, "stderr": done.stderr}
        seen.update({str(path.relative_to(folder)): path.read_bytes()
                     for path in folder.rglob("*")
                     if path.is_file() and path.name != "pipe.yaml"})
        for where, data in seen.items():
            if hits(data):
                self.found.append(f"{label}: {where}: {hits(data)}: {data[:2000]!r}")
        shutil.rmtree(folder)


FILLERS = {"SRC": "orders.csv", "DST": "out.csv", "PATTERN": "orders*", "SHELL": "bash",
           "KIND": "errors", "NAME": "n", "STEP": "1", "OPTION": "where"}


def with_positional(names, places):
    """Each argument of each command as each place; what is no place takes URLs all the same."""
    for name, positional in names:
        for i, word in enumerate(positional):
            for place, (text, env) in places.all.items():
                if word not in PLACE_WORDS and not place.startswith("url-"):
                    continue
                stream = "#pg_catalog.pg_am" if "://" in text else ".pg_catalog.pg_am"
                text = text + stream if word in ("SRC", "CONN.STREAM") else text
                rest = [FILLERS.get(other, "x") for other in positional]
                yield (f"{' '.join(name)}: {word} as {place}",
                       [*name, *rest[:i], text, *rest[i + 1:]], env)


def with_options(found, names):
    for option, name in found.items():
        if option in NO_PLACE:
            continue
        url = f"postgres://searched:{ENCODED}@127.0.0.1:1/x?password={ENCODED}"
        value = SECRET if re.search("password|secret|token|passphrase", option) else url
        positional = next(words for command, words in names if command == name)
        rest = [FILLERS.get(word, "x") for word in positional]
        yield f"--{option}", [*name, *rest, f"--{option}", value], {}
        yield f"--{option}=", [*name, *rest, f"--{option}={value}"], {}
        variable = "LEAT_" + option.upper().replace("-", "_")
        if variable not in ("LEAT_STATE", "LEAT_REPORT", "LEAT_ENV_FILE"):
            yield variable, [*name, *rest], {variable: value}


def others(names, places):
    dry = {"LEAT_DRY_RUN": "true"}
    for place, (text, env) in places.all.items():
        stream = "#pg_catalog.pg_am" if "://" in text else ".pg_catalog.pg_am"
        yield f"dry run of {place}", ["cp", text + stream, "out.csv"], {**env, **dry}
        yield f"dry run to {place}", ["cp", "orders.csv", text], {**env, **dry}
        yield f"query {place}", ["query", text, "select 1"], env
        yield (f"statement for {place}",
               ["query", text, f"alter role nosuch password '{SECRET}'"], env)
        yield f"explained {place}", ["config", "explain", "cp"], {**env, "LEAT_WHERE": text}
    url = f"postgres://searched:{ENCODED}@127.0.0.1:1/x"
    yield "statement", ["query", "-n", url, f"alter role x password '{SECRET}'"], {}
    yield "statement of MySQL", ["query", "-n", url, f"create user x identified by '{SECRET}'"], {}
    yield "dsn", ["config", "connections", "add", "postgres", "-c", "n", "-d", url], {}
    yield "shown", ["config", "connections", "show", "plain"], {}
    yield "listed", ["config", "connections", "list", "--json"], {"LEAT_CONN_OTHER": url}
    yield "hp auth key", ["hp", "user", "login", SECRET], {}
    yield "hp copy", ["hp", "cp", "snap", "varied.pg_catalog.pg_am", "x.y"], {"LEAT_CONN_VARIED": url}
    yield "passphrases", ["config", "vault", "rekey"], {"LEAT_NEW_PASSPHRASE": SECRET}
    yield "wrong passphrase", ["user", "login"], {"LEAT_PASSPHRASE": SECRET}
    yield "copy's passphrase", ["config", "vault", "export", "c"], {"LEAT_EXPORT_PASSPHRASE": SECRET}


COPY = """\
connections:
  shop: {place}
from: shop
to: sqlite:out.db
streams:
  pg_catalog.pg_am:
"""
STATEMENT = """\
in: {place}
sql: alter role nosuch password '{secret}'
"""


def documents(places):
    """Pipes with the place in them."""
    for place, (text, env) in places.all.items():
        for word in ("check", "show", "run"):
            for kind, document in (("copy", COPY), ("statement", STATEMENT)):
                document = document.format(place=text, secret=SECRET)
                yield f"pipe {word} of a {kind}, {place}", ["pipe", word, "pipe.yaml"], env, document


@pytest.fixture
def folder(leat):
    path = leat.home / "searched"
    path.mkdir()
    return path


@pytest.fixture
def places(leat, pg, folder):
    """The secret is the real password of a role, so that commands get far."""
    with pg_connect(pg.url()) as connection:
        connection.autocommit = True
        connection.execute(f"create role searched login password '{SECRET}'")
    yield Places(leat, pg, folder)
    with pg_connect(pg.url()) as connection:
        connection.autocommit = True
        connection.execute("drop owned by searched; drop role searched")


@pytest.mark.timeout(900)
def test_no_command_shows_a_secret_wherever_it_stood(leat, places, folder):
    names = commands(leat)
    search = Search(leat, places, folder)
    tries = [*with_positional(names, places), *with_options(options(leat, names), names),
             *others(names, places), *documents(places)]
    if "--as-pipe" in leat.ok("help", "cp").stdout:
        tries += [(f"printed pipe of {place}", ["cp", text, "out.csv", "--as-pipe", "yaml"], env)
                  for place, (text, env) in places.all.items()]
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda each: search.run(*each), tries))
    shown = leat.ok("runs", "--json", "--limit", "10000",
                    env={"LEAT_STATE": str(folder / "state.db")}).stdout
    assert shown.count("\n") > 20, "runs were recorded"
    if hits(shown.encode()):
        search.found.append(f"runs --json: {hits(shown.encode())}")
    for path in leat.home.rglob("*"):
        if path.is_file() and path not in places.inputs and hits(path.read_bytes()):
            search.found.append(f"{path}: {hits(path.read_bytes())}")
    print(f"{search.tried} places tried in {len(names)} commands, {search.succeeded} of them ended "
          f"well, {len(search.found)} hits")
    assert search.succeeded > len(tries) // 10
    assert not search.found, "\n".join(search.found[:20])


# --- processes --------------------------------------------------------------------------------


def cpu_ticks(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def seen_of(pid):
    folder = pathlib.Path(f"/proc/{pid}")
    return folder.joinpath("cmdline").read_bytes() + b"\n" + folder.joinpath("environ").read_bytes()


@pytest.mark.quick
def test_arguments_and_environment_hold_no_secret_100_ms_after_the_start(leat, places, folder):
    tried = 0
    for place, (text, env) in places.all.items():
        if place in ("wrong-password", "no-such-port", "unknown-scheme", "other-parameter",
                     "unencoded"):
            continue  # over at once
        arguments = ["query", text, "select pg_sleep(30)", "--password", SECRET]
        arguments = arguments if place == "libpq" else arguments[:3]
        child = leat.start(*arguments, env={"LEAT_VAULT": str(places.vault), "LEAT_RETRIES": "0",
                                            "LEAT_CONN_OTHER": f"postgres://u:{ENCODED}@h/x",
                                            "OTHER_URL": f"https://u:{ENCODED}@h/x",
                                            "LEAT_PASSPHRASE": SECRET, "PGPASSWORD": SECRET,
                                            "SHOP_DB_PASSWORD": SECRET, **env})
        start = time.monotonic()
        time.sleep(0.1)
        # On a busy machine it may not have run yet.
        while hits(seen_of(child.pid)) and cpu_ticks(child.pid) < 2 and time.monotonic() < start + 10:
            time.sleep(0.02)
        seen = seen_of(child.pid)
        limits = pathlib.Path(f"/proc/{child.pid}/limits").read_text()
        child.send_signal(signal.SIGKILL)
        child.communicate()
        tried += 1
        assert not hits(seen), (place, seen)
        assert b"query" in seen and b"LEAT_PASSPHRASE=" in seen
        assert re.search(r"Max core file size +1 +1 ", limits), limits
    print(f"{tried} places tried, 0 hits")


@pytest.mark.quick
@pytest.mark.asan
def test_a_child_sees_no_secret_at_any_time(leat, places, folder):
    """The command of a reference writes down what it sees of itself and of leat, at once."""
    script = folder / "dump"
    script.write_text("#!/bin/sh\n"
                      "cat /proc/$$/cmdline /proc/$$/environ /proc/$PPID/cmdline > dump.self\n"
                      "cat /proc/$PPID/environ >> dump.self\n"
                      "ulimit -c > dump.core\n"
                      "env > dump.env\n"
                      f"cat {folder}/secret.txt\n", encoding="utf-8")
    script.chmod(0o755)
    leat.cwd = folder
    host = places.all["libpq"][0].partition("@")[2]
    done = leat.ok("query", f"postgres://searched:${{cmd:./dump}}@{host}", "select 42 as a",
                   env={"LEAT_CONN_OTHER": f"postgres://u:{ENCODED}@h/x", "LEAT_PASSPHRASE": SECRET,
                        "LEAT_KEY_FILE": SECRET, "PGPASSWORD": SECRET,
                        "DATABASE_URL": f"postgres://u:{ENCODED}@h/x", "DSN": f"password={SECRET}",
                        "ORDINARY": "kept"})
    assert "42" in done.stdout
    seen = b"".join((folder / f"dump.{name}").read_bytes() for name in ("self", "env"))
    assert not hits(seen) and b"ORDINARY=kept" in seen, seen
    assert b"DATABASE_URL" not in (folder / "dump.env").read_bytes()
    assert (folder / "dump.core").read_text().strip() in ("0", "1")
    # What is named is passed on.
    leat.ok("query", f"postgres://searched:${{cmd:./dump}}@{host}", "select 42",
            env={"PGPASSWORD": SECRET, "LEAT_CHILD_ENV": "A,PGPASSWORD"})
    assert f"PGPASSWORD={SECRET}".encode() in (folder / "dump.env").read_bytes()


def test_developers_can_have_core_dumps(leat, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    child = leat.start("cp", f"csv:{tmp_path}/pipe", f"csv:{tmp_path}/out.csv",
                       env={"LEAT_CORE": "1"})
    with open(tmp_path / "pipe", "wb"):  # once it reads
        limits = pathlib.Path(f"/proc/{child.pid}/limits").read_text()
        child.kill()
    child.communicate()
    assert not re.search(r"Max core file size +1 +1 ", limits), limits


def test_a_reference_is_asked_anew_at_each_try(leat, pg, places, folder):
    host = places.all["libpq"][0].partition("@")[2]
    script = folder / "rotate"
    # The first try is told a port where nobody listens, each later one the right one.
    script.write_text(f"#!/bin/sh\nif [ -e tried ]; then echo {pg.port}; else touch tried; echo 1; fi\n",
                      encoding="utf-8")
    script.chmod(0o755)
    leat.cwd = folder
    url = f"postgres://searched:{ENCODED}@127.0.0.1:${{cmd:./rotate}}/{host.partition('/')[2]}"
    done = leat.ok("cp", url + "#pg_catalog.pg_am", "csv:-", "--retries", "3")
    assert "btree" in done.stdout and (folder / "tried").exists()
