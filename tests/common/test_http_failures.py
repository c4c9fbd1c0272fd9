"""Every way in which an answer fails: over the limits, broken off, or never there."""

import gzip
import itertools
import socket
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from common.egress import EgressPolicy
from common.errors import PermanentError, TransientError
from common.http import NoBudget, Site
from tests.common.sites import POLICY, cut, site_at
from tests.common.tls import tls_server
from tests.wire import Script, always, answer, listening


def fails_by(script: Script, error: type[Exception], **limits: float) -> str:
    """Return the message with which a GET fails."""
    with listening(script) as wire, pytest.raises(error) as caught:
        site_at(wire.url, limits=limits).get("rest")
    assert f"GET {wire.url}/rest: " in str(caught.value)
    return str(caught.value)


# ---- limits


def one_member() -> Iterator[bytes]:
    """A gzip stream that never ends."""
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    while True:
        yield packer.compress(b"\0" * (1 << 20))


def many_members() -> Iterator[bytes]:
    """Gzip members one after another, which unpack to one text."""
    return itertools.repeat(gzip.compress(b"\0" * (1 << 20)))


def empty_members() -> Iterator[bytes]:
    """Gzip members that unpack to nothing, for ever."""
    return itertools.repeat(gzip.compress(b"") * 1000)


@pytest.mark.parametrize("parts", [one_member, many_members, empty_members])
def test_a_gzip_bomb_is_given_up_while_it_is_decoded(parts: Callable[[], Iterator[bytes]]) -> None:
    cut_off = threading.Event()

    def bomb(connection: socket.socket, request: bytes) -> None:
        connection.sendall(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        try:
            for part in filter(None, parts()):
                connection.sendall(b"%x\r\n%s\r\n" % (len(part), part))
        except OSError:
            cut_off.set()

    message = fails_by(bomb, PermanentError, max_bytes=5_000_000)
    assert "too large: more than 5,000,000 bytes" in message
    assert cut_off.wait(10)


def test_an_encoding_that_was_not_asked_for_is_refused() -> None:
    reply = answer(b"x", headers=("Content-Encoding: br",))
    assert "encoded by 'br'" in fails_by(always(reply), PermanentError)


def test_a_body_of_just_the_limit_is_taken() -> None:
    with listening(always(answer(b"x" * 1000))) as wire:
        assert len(site_at(wire.url, limits={"max_bytes": 1000}).get("a").body) == 1000
        with pytest.raises(PermanentError, match="too large"):
            site_at(wire.url, limits={"max_bytes": 999}).get("a")


@pytest.mark.parametrize(("count", "filler"), [(201, ""), (10_000, "x" * 20), (10_000, "")])
def test_an_answer_with_too_many_headers_is_refused(count: int, filler: str) -> None:
    headers = tuple(f"X-{number}: {filler}" for number in range(count))
    message = fails_by(always(answer(headers=headers)), PermanentError)
    assert "more headers than any server needs" in message


def test_an_answer_that_drips_ends_at_the_deadline() -> None:
    def drip(connection: socket.socket, request: bytes) -> None:
        connection.sendall(answer(length=1000))
        while True:
            connection.sendall(b"x")
            time.sleep(0.02)

    begun = time.monotonic()
    message = fails_by(drip, TransientError, deadline_seconds=0.3)
    assert "no whole answer came within 0.3 seconds" in message
    assert time.monotonic() - begun < 2


def test_headers_that_drip_end_at_the_deadline() -> None:
    def drip(connection: socket.socket, request: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        while True:
            connection.sendall(b"X-A: b\r\n")
            time.sleep(0.02)

    assert "within 0.3 seconds" in fails_by(drip, TransientError, deadline_seconds=0.3)


def test_an_answer_that_never_comes_ends_at_the_deadline() -> None:
    done = threading.Event()

    def silence(connection: socket.socket, request: bytes) -> None:
        done.wait(10)

    message = fails_by(silence, TransientError, deadline_seconds=0.2)
    done.set()
    assert "within 0.2 seconds" in message


def test_a_tls_handshake_that_hangs_ends_at_the_deadline() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        begun = time.monotonic()
        with pytest.raises(TransientError):
            site_at(url, limits={"deadline_seconds": 0.2}).get("a")
        assert time.monotonic() - begun < 2


# ---- answers that break


@pytest.mark.parametrize(
    "script",
    [
        pytest.param(cut(answer(b"{}", length=1000)), id="shorter than its Content-Length"),
        pytest.param(cut(answer(b"{}", length=1000), reset=True), id="reset in the body"),
        pytest.param(cut(b""), id="closed without an answer"),
        pytest.param(cut(b"", reset=True), id="reset without an answer"),
        pytest.param(cut(b"HTTP/1.1 200 OK\r\nA: b"), id="closed in the headers"),
        pytest.param(
            cut(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\nabc"),
            id="closed in a chunk",
        ),
        pytest.param(cut(b"SSH-2.0-OpenSSH_9.2\r\n\r\n"), id="no HTTP"),
        pytest.param(cut(answer(headers=("Content-Length: 7",))), id="two lengths that differ"),
        pytest.param(
            cut(answer(b"no gzip", headers=("Content-Encoding: gzip",))), id="not as encoded"
        ),
        pytest.param(
            cut(answer(gzip.compress(b"x" * 99)[:-3], headers=("Content-Encoding: gzip",))),
            id="gzip that is cut short",
        ),
    ],
)
def test_an_answer_that_breaks_off_is_tried_again(script: Script) -> None:
    fails_by(script, TransientError)


def test_a_longer_body_than_its_length_is_not_the_next_answer() -> None:
    with listening(always(answer(b"abcdef", length=3))) as wire:
        site = site_at(wire.url)
        assert site.get("a").body == b"abc"
        with pytest.raises(TransientError):
            site.get("b")
        assert site.get("c").body == b"abc"


def test_a_refused_connection_says_where_and_what_to_do() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(TransientError) as caught:
        site_at(f"http://127.0.0.1:{port}").get("rest/x", {"secret": "query"})
    assert str(caught.value) == (
        f"GET http://127.0.0.1:{port}/rest/x: the connection was refused: is the server running "
        "there? check the base URL and port"
    )


def test_an_unknown_host_says_so() -> None:
    def unknown(host: str, port: int) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    site = Site("https://nope", {}, budget=NoBudget(), policy=EgressPolicy(resolver=unknown))
    with pytest.raises(TransientError, match=r"^GET https://nope/a: the host nope is not known"):
        site.get("a")


def test_a_server_without_tls_is_no_secure_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer(status="400 Bad Request"))

        threading.Thread(target=serve, daemon=True).start()
        with pytest.raises(TransientError, match="no secure connection"):
            site_at(f"https://127.0.0.1:{server.getsockname()[1]}").get("a")


def test_a_certificate_of_nobody_known_is_not_accepted(tmp_path: Path) -> None:
    with tls_server(tmp_path) as port, pytest.raises(TransientError, match="certificate"):
        site_at(f"https://127.0.0.1:{port}").get("a")


def test_a_certificate_is_checked_against_the_host_and_not_the_address(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = EgressPolicy(POLICY.private, resolver=lambda host, port: ["127.0.0.1"])
    with tls_server(tmp_path) as port:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        named = Site(f"https://jira.test:{port}", {}, budget=NoBudget(), policy=policy)
        assert named.get("a").body == b"by tls"
        other = Site(f"https://other.test:{port}", {}, budget=NoBudget(), policy=policy)
        with pytest.raises(TransientError, match="certificate"):
            other.get("a")
