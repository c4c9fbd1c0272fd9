"""Connections to sources: pooled, guarded at the socket, and ended at a deadline.

The pool keeps no cookies and knows no credentials, so integrations share it safely.
"""

import atexit
import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import httpcore2
import httpx2

from common.decoding import decoded
from common.egress import EgressPolicy
from common.errors import PermanentError, TransientError

CONNECT_SECONDS: Final = 10.0
# Shorter than servers usually keep idle connections, so that none is used as it is closed.
_KEEPALIVE_SECONDS: Final = 4.0
_KEPT_CONNECTIONS: Final = 64
_HEADERS_TOO_LARGE: Final = 431

# At lower levels it writes down the headers of answers, which may echo credentials.
logging.getLogger("httpcore2").setLevel(logging.WARNING)

SocketOption = (
    tuple[int, int, int] | tuple[int, int, bytes | bytearray] | tuple[int, int, None, int]
)


@dataclass(frozen=True)
class Limits:
    """What an answer may take: seconds from sending to its last byte, decoded bytes, headers.

    wait_seconds: how long a source is left alone that asks for it and does not say how long.
    """

    deadline_seconds: float = 60.0
    max_bytes: int = 50 * 1024 * 1024
    max_headers: int = 200
    wait_seconds: float = 60.0


class TooLargeError(PermanentError):
    """The answer is larger than the limits."""


@dataclass(frozen=True)
class Received:
    """An answer from the wire; body: decoded, empty of a redirect, whose body is not read."""

    status: int
    headers: httpx2.Headers
    body: bytes


class _Exchange(threading.local):
    """The exchange that this thread is in: the pool calls the backend in the same thread."""

    deadline = float("inf")
    scheme = "https"

    def left(self, timeout: float | None) -> float:
        """Return the seconds that an operation may take; raise ReadTimeout if there are none."""
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise httpcore2.ReadTimeout("the deadline has passed")
        return left if timeout is None else min(left, timeout)


_exchange: Final = _Exchange()


class _TimedStream(httpcore2.NetworkStream):
    """A connection whose every operation ends at the exchange's deadline."""

    def __init__(self, stream: httpcore2.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _exchange.left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _exchange.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore2.NetworkStream:
        left = _exchange.left(timeout)
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, left))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class _GuardedBackend(httpcore2.SyncBackend):
    """Connects to addresses that the policy permits, and to those that it was asked about."""

    def __init__(self, policy: EgressPolicy) -> None:
        self._policy = policy

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[SocketOption] | None = None,
    ) -> httpcore2.NetworkStream:
        addresses = self._addresses(host, port)
        for address in addresses:
            if reason := self._policy.refusal(address, port, _exchange.scheme):
                raise PermanentError(f"cannot connect to {host}: {reason}")
        for number, address in enumerate(addresses, start=1):
            left = _exchange.left(timeout)
            try:
                return _TimedStream(super().connect_tcp(address, port, left, None, socket_options))
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if number == len(addresses):
                    raise
        raise _UnknownHostError(host)

    def _addresses(self, host: str, port: int) -> list[str]:
        """Resolve the host before the deadline: the system's own patience may be longer."""
        found: list[str] = []
        errors: list[Exception] = []

        def ask() -> None:
            try:
                found.extend(self._policy.resolver(host, port))
            except Exception as error:
                errors.append(error)

        asking = threading.Thread(target=ask, name="resolve", daemon=True)
        asking.start()
        asking.join(_exchange.left(CONNECT_SECONDS))
        if asking.is_alive() or errors or not found:
            raise _UnknownHostError(host) from (errors[0] if errors else None)
        return found


class _UnknownHostError(Exception):
    """The host has no address that could be found out."""


# ---- pools, one a policy in a process

_pools: dict[EgressPolicy, httpcore2.ConnectionPool] = {}
_lock = threading.Lock()


def _pool(policy: EgressPolicy) -> httpcore2.ConnectionPool:
    with _lock:
        if policy not in _pools:
            _pools[policy] = httpcore2.ConnectionPool(
                ssl_context=httpx2.create_ssl_context(),
                max_connections=None,
                max_keepalive_connections=_KEPT_CONNECTIONS,
                keepalive_expiry=_KEEPALIVE_SECONDS,
                network_backend=_GuardedBackend(policy),
            )
        return _pools[policy]


def close_pools() -> None:
    """Close every connection of this process; the next request opens new ones."""
    with _lock:
        closing = list(_pools.values())
        _pools.clear()
    for pool in closing:
        pool.close()


def _forget_pools() -> None:
    """In a forked child: the connections are the parent's, and its lock may be taken for ever."""
    global _lock
    _lock = threading.Lock()
    _pools.clear()


atexit.register(close_pools)
os.register_at_fork(after_in_child=_forget_pools)


# ---- one exchange


def send(
    method: str,
    url: str,
    headers: Mapping[str, str],
    content: bytes | None,
    *,
    policy: EgressPolicy,
    limits: Limits,
) -> Received:
    """Send a request and receive its answer, whatever its status; no redirect is followed.

    Raises TransientError for what may go away by itself, PermanentError for an address that is
    refused and an answer over the limits. Messages name what happened, not the request.
    """
    _exchange.deadline = time.monotonic() + limits.deadline_seconds
    _exchange.scheme = url.partition(":")[0]
    timeouts = {"timeout": {"connect": CONNECT_SECONDS}}
    # The pool's own Host header lacks the brackets of an IPv6 address.
    whole = {"host": urlsplit(url).netloc, **headers}
    items = [(name.encode("ascii"), value.encode("ascii")) for name, value in whole.items()]
    with (
        _named_failures(limits),
        _pool(policy).stream(
            method, url, headers=items, content=content, extensions=timeouts
        ) as answer,
    ):
        return _receive(answer, limits)


def _receive(answer: httpcore2.Response, limits: Limits) -> Received:
    if len(answer.headers) > limits.max_headers:
        raise _too_many_headers()
    headers = httpx2.Headers(answer.headers)
    if 300 <= answer.status < 400:
        return Received(answer.status, headers, b"")
    # Limited before decoding, too: encoded parts may decode to nothing for ever.
    sent = _limited(answer.iter_stream(), limits)
    pieces = decoded(headers.get("content-encoding", ""), sent)
    return Received(answer.status, headers, b"".join(_limited(pieces, limits)))


def _limited(chunks: Iterator[bytes], limits: Limits) -> Iterator[bytes]:
    size = 0
    for chunk in chunks:
        size += len(chunk)
        if size > limits.max_bytes:
            raise TooLargeError(
                f"the answer is too large: more than {limits.max_bytes:,} bytes; ask for smaller "
                "pages, or let an operator raise HTTP_MAX_BYTES"
            )
        yield chunk


def _too_many_headers() -> PermanentError:
    return PermanentError("the answer has more headers than any server needs; it was not read")


@contextmanager
def _named_failures(limits: Limits) -> Iterator[None]:
    """Say in fixed words, by the class of the failure, what went wrong and what to do."""
    try:
        yield
    except _UnknownHostError as error:
        raise TransientError(
            f"the host {error} is not known; check the base URL and the name server"
        ) from None
    except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
        raise TransientError(_connect_failure(error)) from None
    except httpcore2.TimeoutException:
        raise TransientError(
            f"no whole answer came within {limits.deadline_seconds:g} seconds; the other side is "
            "slow or stuck, look at its status page"
        ) from None
    except httpcore2.RemoteProtocolError as error:
        if getattr(_origin(error), "error_status_hint", None) == _HEADERS_TOO_LARGE:
            raise _too_many_headers() from None
        raise TransientError(
            "the answer broke off or is no HTTP; a proxy in between may be failing"
        ) from None
    except (httpcore2.NetworkError, httpcore2.ProtocolError, OSError):
        raise TransientError(
            "the connection broke off before the answer was whole; a proxy in between may be "
            "failing"
        ) from None


def _connect_failure(error: BaseException) -> str:
    cause = _origin(error)
    if isinstance(cause, ssl.SSLError):
        return (
            "no secure connection: the TLS certificate or protocol of the other side is not "
            "accepted; check the base URL, or let an operator name the authority that signed it "
            "by SSL_CERT_FILE"
        )
    if isinstance(cause, socket.timeout) or isinstance(error, httpcore2.ConnectTimeout):
        return "no connection in time: a firewall may be in between; check the base URL"
    return "the connection was refused: is the server running there? check the base URL and port"


def _origin(error: BaseException) -> BaseException | None:
    """Return what the pool translated: it drops the cause and keeps the context."""
    return error.__cause__ or error.__context__
