"""A TCP proxy that misbehaves on request."""
import contextlib
import select
import socket
import threading
import time

BLOCK = 65536


class Proxy:
    """Forwards connections to `to` until told otherwise.

    cut_after: bytes from the server after which a connection is cut (both ways, with a reset)
    cut_upload_after: the same for bytes from the client
    drop_commit_reply: the reply to the client's COMMIT is swallowed and the connection cut
    delay: seconds to wait before each block from the server
    times: how many connections misbehave; the later ones are served properly
    """

    def __init__(self, to, cut_after=None, cut_upload_after=None, drop_commit_reply=False,
                 delay=0.0, times=1_000_000):
        self.to = to
        self.cut_after = cut_after
        self.cut_upload_after = cut_upload_after
        self.drop_commit_reply = drop_commit_reply
        self.delay = delay
        self.times = times
        self.struck = 0
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.closing = False
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self):
        self.closing = True
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def _accept(self):
        while not self.closing:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _strike(self):
        """True while there are faults left to give."""
        with self.lock:
            if self.struck >= self.times:
                return False
            self.struck += 1
            return True

    @staticmethod
    def _reset(*sockets):
        for each in sockets:
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
            each.close()

    def _serve(self, client):
        try:
            server = socket.create_connection(self.to)
        except OSError:
            self._reset(client)
            return
        down = up = 0
        with contextlib.suppress(OSError):
            while True:
                ready, _, _ = select.select([client, server], [], [])
                if client in ready:
                    block = client.recv(BLOCK)
                    up += len(block)
                    if not block:
                        break
                    if self.cut_upload_after is not None and up > self.cut_upload_after \
                            and self._strike():
                        self._reset(client, server)
                        return
                    server.sendall(block)
                    if self.drop_commit_reply and len(block) < 256 \
                            and b"COMMIT" in block.upper() and self._strike():
                        server.recv(BLOCK)  # the server has done it; nobody will hear of it
                        self._reset(client, server)
                        return
                if server in ready:
                    if self.delay:
                        time.sleep(self.delay)
                    block = server.recv(BLOCK)
                    if not block:
                        break
                    down += len(block)
                    if self.cut_after is not None and down > self.cut_after and self._strike():
                        client.sendall(block[:max(0, len(block) - (down - self.cut_after))])
                        self._reset(client, server)
                        return
                    client.sendall(block)
        client.close()
        server.close()
