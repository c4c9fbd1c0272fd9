"""Which addresses the product may send requests to: judged at the socket, not by the text.

A tenant names a base URL, so any name may lead anywhere, and elsewhere a moment later. Every
address that a host resolves to is judged right before connecting, and the connection is made to
the address that was judged (`common.transport`).
"""

import socket
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final
from urllib.parse import unquote

import httpx2

from common.errors import UsageError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
Resolver = Callable[[str, int], list[str]]

ALLOW_SETTING: Final = "EGRESS_ALLOWED_PRIVATE_CIDRS"

_LOOPBACK: Final = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
# Link-local and the metadata services of clouds, wherever they are, and what is no address of a
# host at all; no setting opens these.
_NEVER: Final = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",
        "169.254.0.0/16",
        "100.100.100.200/32",
        "168.63.129.16/32",
        "192.0.0.192/32",
        "224.0.0.0/3",
        "::/128",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
        "fd00:ec2::/32",
        "fd20:ce::254/128",
    )
)
_PRIVATE: Final = tuple(
    ip_network(text)
    for text in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
    )
)
_PUBLIC_6: Final = IPv6Network("2000::/3")
# Of 2000::/3: Teredo and other protocols' own, documentation, and 6to4 that hides an IPv4 address.
_SPECIAL_6: Final = tuple(
    IPv6Network(text) for text in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")
)
_NAT64: Final = IPv6Network("64:ff9b::/96")

# Ports below 1024 other than the web's, and those above at which other services listen.
_WEB_PORTS: Final = frozenset({80, 443})
_SERVICE_PORTS: Final = frozenset(
    {1025, 1433, 1521, 1723, 2049, 2181, 2375, 2376, 2379, 2380, 2525, 3306, 3389, 4369, 5432}
    | {5433, 5671, 5672, 5900, 5984, 6333, 6334, 6379, 6380, 6443, 8086, 8500, 9042, 9092, 9200}
    | {9300, 10250, 11211, 15671, 15672, 25672, 26379, 27017, 27018, 27019, 50051}
)

_FORBIDDEN_ADDRESS: Final = (
    f"this address may not be reached; if it is yours, an operator can name its network in "
    f"{ALLOW_SETTING}"
)
_FORBIDDEN_PORT: Final = "this port is not one of a web server"
_PLAIN_HTTP: Final = "use https://; an operator can permit http:// by ALLOW_HTTP"


def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of a host, each once, in the system's order; raise OSError."""
    if host.rstrip(".").lower() == "localhost":
        host = "localhost"  # a name server may not know it with a dot
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


@dataclass(frozen=True)
class EgressPolicy:
    """What an operator permits beyond https to public addresses.

    private: networks that may be reached, also by http and at any port. Loopback is open only by
    a network that lies within it; link-local and metadata addresses never are. allow_http: http
    to public addresses too.
    """

    private: tuple[Network, ...] = ()
    allow_http: bool = False
    resolver: Resolver = resolve

    def refusal(self, address: str, port: int, scheme: str) -> str | None:
        """Return why a request to this address is refused, None if it is permitted."""
        try:
            place = ip_address(address.partition("%")[0])
        except ValueError:
            return _FORBIDDEN_ADDRESS
        place = getattr(place, "ipv4_mapped", None) or place
        if _within(place, _NEVER):
            return _FORBIDDEN_ADDRESS
        if self._is_allowed(place):
            return None
        if not _is_public(place):
            return _FORBIDDEN_ADDRESS
        if port in _SERVICE_PORTS or (port < 1024 and port not in _WEB_PORTS):
            return _FORBIDDEN_PORT
        return None if scheme == "https" or self.allow_http else _PLAIN_HTTP

    def _is_allowed(self, place: Address) -> bool:
        if not _within(place, _LOOPBACK):
            return _within(place, self.private)
        return any(place in network and opens_loopback(network) for network in self.private)


def _within(place: Address, networks: Iterable[Network]) -> bool:
    return any(place in network for network in networks)


def _is_public(place: Address) -> bool:
    if isinstance(place, IPv4Address):
        return not _within(place, _PRIVATE) and not _within(place, _LOOPBACK)
    if place in _NAT64:
        inner = IPv4Address(int(place) & 0xFFFFFFFF)
        return not _within(inner, _NEVER) and _is_public(inner)
    return place in _PUBLIC_6 and not _within(place, _SPECIAL_6)


def opens_loopback(network: Network) -> bool:
    """Tell whether a network of the list lies within loopback, and so opens (a part of) it."""
    return any(
        network.version == loop.version and network.subnet_of(loop)  # type: ignore[arg-type]
        for loop in _LOOPBACK
    )


def parse_networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """Return the networks of a setting (`10.0.0.0/8`, `10.1.2.3`); blank ones are passed over.

    Raises UsageError that quotes the one that is malformed.
    """
    networks = []
    for text in texts:
        if text := text.strip():
            try:
                networks.append(ip_network(text))
            except ValueError as error:
                raise UsageError(
                    f"{text!r} is no network: {error}; write it like 10.20.0.0/16, "
                    "several separated by commas"
                ) from None
    return tuple(networks)


def check_url(url: str, policy: EgressPolicy) -> str:
    """Return a base URL in its one form: lower-case scheme and host, no slash at its end.

    Resolves the host and judges every address as connecting does; a host that does not resolve
    now passes if it is asked by https, or http is allowed. Raises UsageError that says what is
    wrong.
    """
    parts = _parse(url)
    host, scheme = parts.raw_host.decode("ascii"), parts.scheme
    usual = 443 if scheme == "https" else 80
    port = usual if parts.port is None else parts.port
    origin = f"{scheme}://" + (f"[{host}]" if ":" in host else host)
    origin += "" if port == usual else f":{port}"
    try:
        addresses = policy.resolver(host, port)
    except (OSError, UnicodeError):
        if scheme == "http" and not policy.allow_http:
            raise UsageError(
                f"the host {host} of the address is not known; {_PLAIN_HTTP}"
            ) from None
        addresses = []
    for address in addresses:
        if reason := policy.refusal(address, port, scheme):
            raise UsageError(f"{origin}: {reason}")
    return origin + parts.raw_path.decode("ascii").rstrip("/")


def _parse(url: str) -> httpx2.URL:
    """Return the parts of an absolute web address without query, raise UsageError."""
    text = url.strip()
    if "\\" in text or any(ord(char) <= 32 or ord(char) == 127 for char in text):
        raise UsageError("an address has no spaces, control characters or backslashes")
    try:
        parts = httpx2.URL(text)
    except (httpx2.InvalidURL, UnicodeError) as error:
        raise UsageError(f"this is no address: {error}") from None
    if parts.scheme not in ("http", "https") or not parts.host:
        raise UsageError("an address begins with https:// and a host")
    if parts.port is not None and not 0 < parts.port < 65536:
        raise UsageError("the port of an address is a number from 1 to 65535")
    if parts.userinfo or "@" in text.partition("://")[2].partition("/")[0]:
        raise UsageError("an address holds no user or password: give them as credentials")
    if parts.query or parts.fragment or "?" in text or "#" in text:
        raise UsageError("an address ends with its path: no ? and no #")
    if has_dots(parts.raw_path.decode("ascii")):
        raise UsageError("the path of an address has no . or .. parts")
    return parts


def has_dots(path: str) -> bool:
    """Tell whether a path has a part that means this or the upper folder, encoded or not."""
    return any(unquote(part) in (".", "..") for part in path.partition("?")[0].split("/"))
