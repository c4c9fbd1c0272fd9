"""A local server whose answers a test writes byte by byte."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

Script = Callable[[socket.socket, bytes], None]


@dataclass
class Wire:
    """url: where it listens. requests: head and body of each, in order. connections: how many."""

    url: str
    requests: list[bytes] = field(default_factory=list)
    connections: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


@contextmanager
def listening(script: Script, host: str = "127.0.0.1") -> Iterator[Wire]:
    """Serve until the end of the block: the script is called for each request of a connection,
    and the connection closed if it closes it or raises."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as server:
        named = f"[{host}]" if ":" in host else host
        wire = Wire(f"http://{named}:{server.getsockname()[1]}")
        threading.Thread(target=_accept, args=(server, wire, script), daemon=True).start()
        try:
            yield wire
        finally:
            server.shutdown(socket.SHUT_RDWR)  # closing alone does not end an accept under way


def _accept(server: socket.socket, wire: Wire, script: Script) -> None:
    with suppress(OSError):
        while True:
            connection, _ = server.accept()
            wire.connections += 1
            threading.Thread(target=_talk, args=(connection, wire, script), daemon=True).start()


def _talk(connection: socket.socket, wire: Wire, script: Script) -> None:
    with connection, suppress(OSError):
        while request := _request(connection):
            with wire.lock:
                wire.requests.append(request)
            script(connection, request)


def _request(connection: socket.socket) -> bytes:
    data = b""
    while b"\r\n\r\n" not in data:
        if not (more := connection.recv(65536)):
            return b""
        data += more
    head, _, body = data.partition(b"\r\n\r\n")
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    missing = int(lengths[0].partition(b":")[2]) - len(body) if lengths else 0
    while missing > 0:
        more = connection.recv(missing)
        body, missing = body + more, missing - len(more)
    return head + b"\r\n\r\n" + body


def answer(
    body: bytes = b"{}", status: str = "200 OK", headers: tuple[str, ...] = (), *, length: int = -1
) -> bytes:
    """Return an answer as it goes over the wire. length: what its Content-Length says, if not
    the truth."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length < 0 else length}"]
    if not any(line.lower().startswith("content-type:") for line in headers):
        lines.append("Content-Type: application/json")
    return "\r\n".join([*lines, *headers, "", ""]).encode("latin-1") + body


def always(reply: bytes) -> Script:
    """Return a script that gives the same answer to every request."""
    return lambda connection, request: connection.sendall(reply)
