"""A pgbouncer in transaction mode before a server of tests/servers/postgres.py: on a free loopback
port, in the server's own folder, stopped by its own pid."""
import os
import shutil
import signal
import socket
import subprocess
import time

import postgres

HOW_TO_GET_IT = "no pgbouncer here: apt install pgbouncer (or run `make setup`)"


def program():
    return shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")


class Pgbouncer:
    """start() to stop(); usable as a context."""

    def __init__(self, server, pool_size=3):
        if program() is None:
            raise FileNotFoundError(HOW_TO_GET_IT)
        self.server, self.pool_size = server, pool_size
        self.port = postgres.free_port()
        self.process = None

    def _write(self, name, text):
        path = self.server.root / name
        path.write_text(text, encoding="utf-8")
        if self.server.as_user:
            os.chown(path, self.server.as_user["user"], self.server.as_user["group"])
        return path

    def start(self):
        users = self._write("users.txt", f'"{postgres.USER}" "{postgres.PASSWORD}"\n')
        settings = self._write("pgbouncer.ini", f"""[databases]
* = host=127.0.0.1 port={self.server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {self.port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = {users}
pool_mode = transaction
default_pool_size = {self.pool_size}
query_wait_timeout = 20
""")
        self.process = subprocess.Popen([program(), "-q", str(settings)], cwd=self.server.root,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, **self.server.as_user)
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", self.port)).close()
                return self
            except ConnectionRefusedError:
                time.sleep(0.02)
        self.stop()
        raise TimeoutError("pgbouncer did not come up")

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(30)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def url(self, database):
        return self.server.url(database, port=self.port)
