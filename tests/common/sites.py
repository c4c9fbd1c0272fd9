"""Sites at local servers, for tests of HTTP."""

import socket
from typing import Any

from common.egress import EgressPolicy, parse_networks
from common.http import NoBudget, Site
from common.transport import Limits
from tests.wire import Script

POLICY = EgressPolicy(parse_networks(["127.0.0.0/8", "::1/128"]))


def site_at(url: str, **options: Any) -> Site:
    """Return a site; limits: those of `Limits` by name."""
    limits = Limits(**options.pop("limits", {}))
    headers = options.pop("headers", {})
    budget = options.pop("budget", NoBudget())
    return Site(url, headers, budget=budget, policy=POLICY, limits=limits, **options)


def cut(reply: bytes, *, reset: bool = False) -> Script:
    """A script that sends a reply and ends the connection, by a reset or in good order."""

    def script(connection: socket.socket, request: bytes) -> None:
        connection.sendall(reply)
        if reset:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        connection.close()

    return script
