"""The vault: what it refuses, what survives kills and crowds, and that others can read its format."""
import concurrent.futures
import ctypes
import errno
import hashlib
import json
import os
import pty
import random
import resource
import select
import signal
import subprocess
import sys
import termios
import time

import pytest
import vault_reader
from conftest import needed

URL = "postgres://joe:s3cret-pw@db.example.org/shop"
KILLS = int(os.environ.get("LEAT_VAULT_KILLS", "30"))


def folder(leat):
    return leat.home / "config" / "leat"


def add(leat, name, url=URL, **options):
    return leat.ok("config", "connections", "add", name, url, **options)


def names(leat, **options):
    """Names of the connections, as leat itself lists them."""
    lines = leat.ok("config", "connections", "list", "--json", **options).stdout.splitlines()
    return {json.loads(line)["name"] for line in lines}


def bytes_of(leat):
    return {path.name: path.read_bytes() for path in folder(leat).iterdir()}


@pytest.fixture
def filled(leat):
    add(leat, "pg")
    return leat


@pytest.fixture
def locked(leat):
    """By a passphrase."""
    add(leat, "pg", env={"LEAT_PASSPHRASE": "open sesame"})
    return leat


# --- the format -------------------------------------------------------------------------------


@pytest.mark.quick
@pytest.mark.asan
def test_another_program_reads_a_vault_of_each_kind_of_key(leat, tmp_path):
    wanted = {("connection", "pg"): URL, ("default", "memory"): "64MiB"}
    for kind, env in (("machine", {}), ("passphrase", {"LEAT_PASSPHRASE": "größer"}),
                      ("file", {"LEAT_KEY_FILE": str(tmp_path / "keys" / "key")})):
        env["LEAT_VAULT"] = str(tmp_path / kind / "vault")
        add(leat, "pg", env=env)
        leat.ok("config", "defaults", "add", "memory", "64MiB", env=env)
        data = (tmp_path / kind / "vault").read_bytes()
        secret = {"machine": (tmp_path / kind / "machine.key").read_bytes,
                  "passphrase": "größer".encode,
                  "file": (tmp_path / "keys" / "key").read_bytes}[kind]()
        head = vault_reader.take_apart(data)
        assert head["kind"] == kind and (kind != "passphrase" or head["n"] == 2 ** 15)
        assert vault_reader.items(data, secret) == wanted
        assert b"s3cret" not in data and b"db.example" not in data
        for path in (tmp_path / kind).rglob("*"):
            assert path.stat().st_mode & 0o077 == 0, path
        assert (tmp_path / kind).stat().st_mode & 0o777 == 0o700


def test_a_vault_that_another_program_wrote_is_imported(leat, tmp_path):
    rows = {("connection", f"c{i}"): f"{URL}-{i}" for i in range(50)}
    (tmp_path / "copy").write_bytes(vault_reader.write(rows, b"carry"))
    leat.ok("config", "vault", "import", tmp_path / "copy",
            env={"LEAT_EXPORT_PASSPHRASE": "carry"})
    assert names(leat) == {name for _, name in rows}


# --- refusals ---------------------------------------------------------------------------------


def refuses(leat, status, code, env=None):
    """Every way to use the vault says so, and leaves all files as they were."""
    before = bytes_of(leat)
    env = {"LEAT_EXPORT_PASSPHRASE": "carry", **(env or {})}
    for arguments in (("config", "connections", "add", "other", URL),
                      ("config", "connections", "list"), ("config", "connections", "remove", "pg"),
                      ("user", "login"), ("config", "vault", "rekey", "--key", "machine"),
                      ("config", "vault", "export", leat.home / "copy")):
        done = leat.fails(status, code, *arguments, env=env)
        assert "s3cret" not in done.stderr and ";" in done.stderr, "no remedy: " + done.stderr
        assert done.stdout == "" or "pg" not in done.stdout
    after = bytes_of(leat)
    assert {name: after[name] for name in before} == before
    assert not (leat.home / "copy").exists()


@pytest.mark.quick
@pytest.mark.asan
def test_without_a_passphrase_the_vault_is_locked_and_the_remedy_is_said(locked):
    refuses(locked, 2, "vault-locked")


def test_a_wrong_passphrase_is_told_from_a_damaged_vault(locked):
    refuses(locked, 2, "wrong-passphrase", env={"LEAT_PASSPHRASE": "open says me"})


@pytest.mark.parametrize("change", ["cut", "empty", "bit", "header", "longer", "text"])
def test_a_damaged_vault_is_refused_and_not_overwritten(filled, change):
    path = folder(filled) / "vault"
    data = bytearray(path.read_bytes())
    if change == "bit":
        data[-20] ^= 4
    elif change == "header":
        data[20] ^= 1
    data = {"cut": data[:-1], "empty": b"", "longer": data + b"\0", "text": b"connections: {}\n"}.get(
        change, bytes(data))
    path.write_bytes(data)
    refuses(filled, (1, 2), "vault-damaged")


def test_a_header_that_asks_for_gigabytes_is_refused_at_once(leat, tmp_path):
    data = bytearray(vault_reader.write({("connection", "pg"): URL}, b"carry"))
    for at, value in ((10, 20), (10, 40), (11, 255), (12, 200), (9, 7)):
        hostile = bytearray(data)
        hostile[at] = value
        hostile[64:72] = hashlib.sha256(hostile[:64]).digest()[:8]
        (tmp_path / "copy").write_bytes(hostile)
        start = time.process_time()
        leat.fails((1, 2), "vault-damaged", "config", "vault", "import", tmp_path / "copy",
                   env={"LEAT_EXPORT_PASSPHRASE": "carry"})
        assert time.process_time() - start < 5


@pytest.mark.parametrize("name, mode", [("vault", 0o640), ("vault", 0o604), ("machine.key", 0o640),
                                        ("machine.key", 0o602), (".", 0o720), (".", 0o702)])
def test_files_that_others_may_read_or_write_are_refused(filled, name, mode):
    path = folder(filled) / name
    path.chmod(mode)
    refuses(filled, 2, "vault-permissions")
    path.chmod(0o700)
    assert names(filled) == {"pg"}


@pytest.mark.parametrize("name", ["vault", "machine.key"])
def test_a_symbolic_link_in_place_of_a_file_is_refused(filled, name):
    path = folder(filled) / name
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")
    refuses(filled, 2, "vault-permissions")


def test_files_of_another_user_are_refused(filled):
    if os.geteuid():
        needed("only root can give files away")
    for name in ("vault", "machine.key", "."):
        os.chown(folder(filled) / name, 12345, 12345)
        refuses(filled, 2, "vault-permissions")
        os.chown(folder(filled) / name, 0, 0)
    assert names(filled) == {"pg"}


def test_a_lost_or_short_key_is_told_by_its_path(filled, tmp_path):
    key = folder(filled) / "machine.key"
    kept = key.read_bytes()
    key.unlink()
    refuses(filled, 2, "vault-locked")
    assert not key.exists(), "a new key would hide that the old one is lost"
    key.write_bytes(kept[:31])
    key.chmod(0o600)
    refuses(filled, (1, 2), "vault-damaged")
    key.write_bytes(bytes(32))
    refuses(filled, 2, "wrong-passphrase")
    key.write_bytes(kept)
    assert names(filled) == {"pg"}


def test_a_pipe_in_place_of_the_vault_does_not_make_it_wait(filled):
    (folder(filled) / "vault").unlink()
    os.mkfifo(folder(filled) / "vault", 0o600)
    filled.fails(2, "invalid", "config", "connections", "list")


def test_a_full_disk_leaves_the_vault_as_it_was(filled):
    before = bytes_of(filled)
    done = filled("config", "connections", "add", "big", "postgres://h/" + "x" * 30000,
                  preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))
    assert done.returncode in (1, 75) and "[" in done.stderr, done
    assert bytes_of(filled) == before and names(filled) == {"pg"}


# --- kills and crowds -------------------------------------------------------------------------


def test_kills_lose_nothing_that_was_stored(filled):
    """Killed at any moment: a command that had ended is kept, one that had not is there or not."""
    seed = int(os.environ.get("LEAT_PROPERTY_SEED", time.time_ns() % 10**6))
    print("seed", seed)
    rng = random.Random(seed)
    stored, allowed = {"pg"}, {"pg"}
    start = time.monotonic()
    add(filled, "warm")
    took = time.monotonic() - start
    stored.add("warm")
    killed = 0
    for i in range(KILLS):
        name = f"c{i}"
        allowed.add(name)
        start = time.monotonic()
        child = filled.start("config", "connections", "add", name, f"{URL}-{i}")
        try:
            child.communicate(timeout=rng.uniform(0, 1.2 * took))
            took = (took + time.monotonic() - start) / 2  # the machine is not always as busy
        except subprocess.TimeoutExpired:
            child.kill()
            child.communicate()
        if child.returncode == 0:
            stored.add(name)
        else:
            assert child.returncode == -signal.SIGKILL
            killed += 1
        key = (folder(filled) / "machine.key").read_bytes()
        there = vault_reader.items((folder(filled) / "vault").read_bytes(), key)
        found = {name for _, name in there}
        assert stored <= found <= allowed | {"warm"}
        stored = found
    print(f"{killed} of {KILLS} were killed before they ended, {len(stored)} stored, 0 lost")
    assert killed >= KILLS // 4
    assert names(filled) == stored
    assert {path.name for path in folder(filled).iterdir()} <= {"vault", "vault.lock", "vault.new",
                                                               "machine.key"}


@pytest.mark.parametrize("key", ["machine", "passphrase"])
def test_adding_from_eight_processes_at_once_loses_none(leat, key):
    env = {"LEAT_PASSPHRASE": "open sesame"} if key == "passphrase" else {}
    wanted = {f"c{i}" for i in range(24)}
    with concurrent.futures.ThreadPoolExecutor(8) as pool:  # the first makes vault and key
        list(pool.map(lambda name: add(leat, name, env=env), sorted(wanted)))
    assert names(leat, env=env) == wanted


# --- keys and sessions ------------------------------------------------------------------------


@pytest.mark.asan
def test_a_failed_rekey_changes_nothing_and_each_key_opens_what_it_locked(filled, tmp_path):
    key = tmp_path / "key"
    steps = [("passphrase", {"LEAT_NEW_PASSPHRASE": "one"}, {"LEAT_PASSPHRASE": "one"}),
             ("file", {"LEAT_PASSPHRASE": "one", "LEAT_KEY_FILE": str(key)},
              {"LEAT_KEY_FILE": str(key)}),
             ("machine", {"LEAT_KEY_FILE": str(key)}, {})]
    for kind, env, after in steps:
        before = bytes_of(filled)
        filled.ok("config", "vault", "rekey", "--key", kind, env=env)
        assert names(filled, env=after) == {"pg"}
        now = bytes_of(filled)
        assert now["vault"][16:48] != before["vault"][16:48], "the salt stayed"
        status = json.loads(filled.ok("user", "status", "--json", env=after).stdout)
        assert status["key"] == kind and status["exists"]
    key.chmod(0o644)
    before = bytes_of(filled)
    filled.fails(2, "vault-permissions", "config", "vault", "rekey", "--key", "file",
                 env={"LEAT_KEY_FILE": str(key)})
    filled.fails(2, "no-terminal", "config", "vault", "rekey")
    assert bytes_of(filled) == before


@pytest.mark.asan
def test_an_export_is_read_elsewhere_and_never_overwrites(filled, tmp_path):
    env = {"LEAT_EXPORT_PASSPHRASE": "carry"}
    copy = tmp_path / "copy"
    filled.ok("config", "vault", "export", copy, env=env)
    data = copy.read_bytes()
    assert copy.stat().st_mode & 0o777 == 0o600
    assert vault_reader.items(data, b"carry") == {("connection", "pg"): URL}
    filled.fails(2, "exists", "config", "vault", "export", copy, env=env)
    assert copy.read_bytes() == data
    other = {"LEAT_VAULT": str(tmp_path / "other" / "vault")}
    add(filled, "pg", "postgres://elsewhere/x", env=other)
    add(filled, "here", env=other)
    filled.fails(2, "exists", "config", "vault", "import", copy, env={**env, **other})
    filled.fails(2, "wrong-passphrase", "config", "vault", "import", copy,
                 env={**other, "LEAT_EXPORT_PASSPHRASE": "x"})
    key = (tmp_path / "other" / "machine.key").read_bytes()

    def there():
        return vault_reader.items((tmp_path / "other" / "vault").read_bytes(), key)
    assert there()[("connection", "pg")] == "postgres://elsewhere/x"
    filled.ok("config", "vault", "import", copy, "--replace", env={**env, **other})
    assert there() == {("connection", "pg"): URL, ("connection", "here"): URL}


def has_keyring():
    """Whether the kernel gives this process the keyring of its user."""
    return ctypes.CDLL(None, use_errno=True).syscall(250, 0, -4, 0) > 0  # keyctl of x86-64


@pytest.mark.parametrize("place", ["keyring", "file"])
def test_a_session_opens_the_vault_for_others_of_the_user_and_ends(locked, place):
    if place == "keyring" and not has_keyring():
        needed("the kernel gives no keyring here")
    env = {"LEAT_KEYRING": "file"} if place == "file" else {}
    passphrase = {"LEAT_PASSPHRASE": "open sesame", **env}
    locked.fails(2, "vault-locked", "user", "login", env=env)
    assert place in locked.ok("user", "login", "-d", "1h", env=passphrase).stdout
    # As cron would: a session of its own, with no keyring of the one that logged in.
    fresh = ["setsid", "-w", sys.executable, "-c",
             "import ctypes, os, sys\n"
             "ctypes.CDLL(None).syscall(250, 1, None)\n"  # KEYCTL_JOIN_SESSION_KEYRING
             "os.execv(sys.argv[1], sys.argv[1:])", str(locked.binary), "config", "connections",
             "list", "--json"]
    done = subprocess.run(fresh, env={**locked.env, **env}, capture_output=True, text=True,
                          check=False)
    assert done.returncode == 0 and '"pg"' in done.stdout, done
    status = json.loads(locked.ok("user", "status", "--json", env=env).stdout)
    assert status["session"].startswith(place) and 3500 < status["session_seconds"] <= 3600
    locked.ok("user", "logout", env=env)
    locked.ok("user", "logout", env=env)
    locked.fails(2, "vault-locked", "config", "connections", "list", env=env)
    # It ends by itself, and with another key.
    locked.ok("user", "login", "-d", "1s", env=passphrase)
    deadline = time.monotonic() + 30
    while locked("config", "connections", "list", env=env).returncode == 0:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    locked.ok("user", "login", env=passphrase)
    locked.ok("config", "vault", "rekey", "--key", "passphrase",
              env={**env, "LEAT_NEW_PASSPHRASE": "two"})
    locked.fails(2, "vault-locked", "config", "connections", "list", env=env)


def test_a_session_file_that_others_could_have_made_is_none(locked):
    env = {"LEAT_KEYRING": "file"}
    locked.ok("user", "login", env={**env, "LEAT_PASSPHRASE": "open sesame"})
    session, = (locked.home / "leat").glob("session-vault-*[0-9a-f]")
    assert session.stat().st_mode & 0o777 == 0o600
    session.chmod(0o644)
    locked.fails(2, "vault-locked", "config", "connections", "list", env=env)
    session.chmod(0o600)
    locked.ok("config", "connections", "list", env=env)
    locked.fails(2, "unsupported", "user", "login",
                 env={**env, "LEAT_PASSPHRASE": "open sesame", "XDG_RUNTIME_DIR": ""})


# --- prompts ----------------------------------------------------------------------------------


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, leat, *arguments, env=None):
        pid, self.fd = pty.fork()
        if not pid:
            os.chdir(leat.home)
            os.execve(leat.binary, ["leat", *map(str, arguments)], {**leat.env, **(env or {})})
        self.pid = pid
        self.said = ""

    def until(self, text):
        deadline = time.monotonic() + 60
        while text not in self.said:
            assert time.monotonic() < deadline, self.said
            ready, _, _ = select.select([self.fd], [], [], 1)
            if ready:
                try:
                    self.said += os.read(self.fd, 4096).decode()
                except OSError as fault:
                    assert fault.errno == errno.EIO
                    assert text in self.said, self.said
                    return

    def answer(self, prompt, text):
        self.until(prompt)
        self.said = ""
        os.write(self.fd, text.encode() + b"\n")

    def end(self):
        while True:
            try:
                data = os.read(self.fd, 4096)
            except OSError:
                break
            if not data:
                break
            self.said += data.decode()
        _, status = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(status)


def test_a_passphrase_is_asked_for_unseen_and_again_when_it_is_wrong(locked):
    terminal = Terminal(locked, "user", "login")
    terminal.answer("Passphrase of the vault: ", "wr0ng-one")
    terminal.until("That is not it. Passphrase")
    assert "wr0ng-one" not in terminal.said
    terminal.answer("vault: ", "open sesame")
    assert terminal.end() == 0
    assert "logged in" in terminal.said and "sesame" not in terminal.said
    assert names(locked) == {"pg"}
    locked.ok("user", "logout")


def test_a_new_passphrase_is_asked_for_twice(filled):
    terminal = Terminal(filled, "config", "vault", "rekey")
    terminal.answer("New passphrase of the vault: ", "one")
    terminal.answer("once more: ", "other")
    terminal.answer("They are not the same. New passphrase of the vault: ", "two")
    terminal.answer("once more: ", "two")
    assert terminal.end() == 0
    assert names(filled, env={"LEAT_PASSPHRASE": "two"}) == {"pg"}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_at_the_prompt_leaves_a_terminal_with_echo(locked, number):
    terminal = Terminal(locked, "user", "login")
    terminal.until("Passphrase of the vault: ")
    assert not termios.tcgetattr(terminal.fd)[3] & termios.ECHO
    os.kill(terminal.pid, number)
    deadline = time.monotonic() + 30
    while not termios.tcgetattr(terminal.fd)[3] & termios.ECHO:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    assert terminal.end() != 0
