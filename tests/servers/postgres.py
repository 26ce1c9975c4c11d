"""A PostgreSQL cluster of one's own: on a free loopback port, in a temporary folder, stopped by its
own pid. Used by tests/conformance/run.py and by tests/e2e."""
import glob
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import tempfile
import time

USER = "leat"
PASSWORD = "pa55-w0rd-of-leat"
HOW_TO_GET_IT = "no PostgreSQL server here: apt install postgresql (or run `make setup`)"


def bindir():
    """Where initdb and pg_ctl are; None when no server is installed. LEAT_TEST_PG_BIN names another
    folder, to test with another version of the server."""
    if os.environ.get("LEAT_TEST_PG_BIN"):
        return pathlib.Path(os.environ["LEAT_TEST_PG_BIN"])
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"),
                   key=lambda path: int(path.split("/")[4]))
    if found:
        return pathlib.Path(found[-1]).parent
    initdb = shutil.which("initdb")
    return pathlib.Path(initdb).parent if initdb else None


def version():
    """The server's major version; without a server that of the newest, so that whatever asks for it
    goes on to say what is missing."""
    if bindir() is None:
        return 99
    text = subprocess.run([str(bindir() / "postgres"), "--version"], check=True,
                          capture_output=True, text=True).stdout
    return int(re.match(r"\D*(\d+)", text).group(1))


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Postgres:
    """start() to stop(); usable as a context."""

    def __init__(self):
        self.bin = bindir()
        if self.bin is None:
            raise FileNotFoundError(HOW_TO_GET_IT)
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="leat-pg-"))
        self.data = self.root / "data"
        self.port = free_port()
        self.databases = 0
        # The server refuses to run as root.
        self.as_user = {}
        if os.getuid() == 0:
            account = pwd.getpwnam("postgres")
            os.chown(self.root, account.pw_uid, account.pw_gid)
            self.as_user = {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}

    def _run(self, program, *arguments):
        log = open(self.root / "tool.log", "ab")
        with log:
            subprocess.run([str(self.bin / program), *map(str, arguments)], check=True,
                           cwd=self.root, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                           env={"PATH": os.environ["PATH"], "HOME": str(self.root), "LC_ALL": "C.UTF-8"},
                           **self.as_user)

    def start(self):
        password = self.root / "password"
        password.write_text(PASSWORD + "\n", encoding="utf-8")
        if self.as_user:
            os.chown(password, self.as_user["user"], self.as_user["group"])
        self._run("initdb", "-D", self.data, "-U", USER, "-A", "scram-sha-256", "-E", "UTF8",
                  "--locale=C.UTF-8", "-N", f"--pwfile={password}")
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.write(f"port = {self.port}\nlisten_addresses = '127.0.0.1'\n"
                       f"unix_socket_directories = '{self.root}'\nfsync = off\n"
                       "synchronous_commit = off\nfull_page_writes = off\nmax_connections = 60\n"
                       "max_wal_size = 4GB\nlogging_collector = off\nautovacuum = on\n")
        self._up()
        return self

    def _up(self):
        self._run("pg_ctl", "-D", self.data, "-w", "-t", "60", "-l", self.root / "server.log",
                  "start")

    def stop(self, mode="fast"):
        """Stops this cluster only: pg_ctl reads the pid from its own data folder."""
        self._run("pg_ctl", "-D", self.data, "-m", mode, "-w", "-t", "60", "stop")

    def restart(self, mode="immediate"):
        self.stop(mode)
        self._up()

    def _own(self, *paths):
        for path in paths:
            os.chmod(path, 0o600)
            if self.as_user:
                os.chown(path, self.as_user["user"], self.as_user["group"])

    def enable_tls(self):
        """Gives the server a certificate for localhost; returns its path."""
        certificate, key = self.data / "server.crt", self.data / "server.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key,
                        "-out", certificate, "-days", "2", "-subj", "/CN=localhost"], check=True,
                       stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self._own(certificate, key)
        self._set_tls("on")
        return certificate

    def disable_tls(self):
        self._set_tls("off")

    def _set_tls(self, value):
        """postgresql.auto.conf counts last; the reload is over when new sessions see it."""
        (self.data / "postgresql.auto.conf").write_text(f"ssl = {value}\n", encoding="utf-8")
        self._run("pg_ctl", "-D", self.data, "reload")
        reply = b"S" if value == "on" else b"N"
        for _ in range(200):
            with socket.create_connection(("127.0.0.1", self.port)) as sock:
                sock.sendall(bytes.fromhex("0000000804d2162f"))  # SSLRequest
                if sock.recv(1) == reply:
                    return
            time.sleep(0.02)
        raise TimeoutError(f"the server did not switch TLS {value}")

    def remove(self):
        if (self.data / "postmaster.pid").exists():
            self.stop("immediate")
        shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            self.remove()
            raise

    def __exit__(self, *_):
        self.remove()

    def url(self, database="postgres", user=USER, password=PASSWORD, port=None):
        return f"postgres://{user}:{password}@127.0.0.1:{port or self.port}/{database}"
