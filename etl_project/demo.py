"""The parts of the demo: its people, its port, and the web server in a thread."""

import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Final

import uvicorn
from django.contrib.auth.models import User

from common.errors import UsageError
from jobs.imports import find_tenant
from tenants.models import Membership, Role
from tenants.scope import tenant_scope

TENANTS: Final = ("acme", "globex")
OPERATOR: Final = "demo"
PORTS_TRIED: Final = 20
START_SECONDS: Final = 20.0
_MAIL: Final = "@demo.invalid"
"""Marks the users that the demo made, and whose passwords it may therefore change."""


@dataclass(frozen=True)
class Person:
    """A user of the demo. sees: what of it, in words."""

    name: str
    sees: str


def make_people(password: str) -> list[Person]:
    """Make the tenants and the people of the demo, all with this password; return the people.

    Raises UsageError if a user of such a name is there who is not of the demo.
    """
    people = [Person(OPERATOR, "everything: every tenant, users, tenants")]
    _user(OPERATOR, password, is_operator=True)
    for slug in TENANTS:
        tenant = find_tenant(slug, create=True)
        for role in (Role.ADMIN, Role.VIEWER):
            user = _user(f"{slug}-{role.value}", password)
            with tenant_scope(tenant.pk):
                Membership.objects.get_or_create(tenant=tenant, user=user, defaults={"role": role})
            people.append(Person(user.username, f"{tenant.name} only, as {role.label.lower()}"))
    return people


def _user(name: str, password: str, is_operator: bool = False) -> User:
    user, created = User.objects.get_or_create(
        username=name, defaults={"email": name + _MAIL, "is_superuser": is_operator}
    )
    if not created and user.email != name + _MAIL:
        raise UsageError(f"there is a user {name!r} who is not of the demo; rename that one first")
    user.set_password(password)
    user.save(update_fields=["password"])
    return user


def new_password() -> str:
    """Return a password that can be read aloud: 64 bits in four groups."""
    text = secrets.token_hex(8)
    return "-".join(text[i : i + 4] for i in range(0, 16, 4))


def free_port(wanted: int) -> int:
    """Return the port, or the next free one; raise UsageError if PORTS_TRIED are taken."""
    for port in range(wanted, wanted + PORTS_TRIED):
        with closing(socket.socket()) as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except (OSError, OverflowError):
                continue
            return port
    raise UsageError(f"ports {wanted} to {wanted + PORTS_TRIED - 1} are all taken; give --port")


@contextmanager
def web_server(port: int) -> Iterator[str]:
    """Serve the site from a thread of this process; give its address once it answers."""
    from etl_project.asgi import application

    server = uvicorn.Server(
        uvicorn.Config(
            application, host="127.0.0.1", port=port, log_level="warning", lifespan="off"
        )
    )
    thread = threading.Thread(target=server.run, name="web", daemon=True)
    thread.start()
    deadline = time.monotonic() + START_SECONDS
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise UsageError(f"the web server did not start on port {port}")
        time.sleep(0.05)
    try:
        yield f"http://localhost:{port}/"
    finally:
        server.should_exit = True
        thread.join(5)
