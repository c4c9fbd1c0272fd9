"""The demo's sources: a sandbox for each tenant, connected, and what they should have given."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_network
from typing import Any, Final

import httpx2
from django.conf import settings

from common.errors import UsageError
from etl_project.demo import free_port
from integrations.models import Integration
from integrations.registry import connector_for
from integrations.services import Connection, connect
from jobs.models import JobRun
from jobs.sync import start_sync
from mappings.seeds import apply_presets
from sandbox.generate.world import World
from sandbox.organisation import Organisation
from sandbox.server import Server, bound, ready_line
from tenants.models import Tenant
from tenants.scope import tenant_scope
from warehouse.counts import live_counts

LOOPBACK: Final = ip_network("127.0.0.0/8")
FIRST_PORT: Final = 8100
PROVIDERS: Final = ("jira", "github")
# slug of the tenant, which is also the style of its organisation → the organisation
WORLDS: Final = {
    "acme": World(items=400, seed=7, style_name="acme", shape="v3"),
    "globex": World(items=300, seed=8, style_name="globex", shape="v3"),
}
_START_SECONDS: Final = 60.0


@dataclass(frozen=True)
class Source:
    """One organisation's Jira and GitHub. ready: what `manage.py sandbox` says of itself."""

    slug: str
    ready: dict[str, Any]


@contextmanager
def sources() -> Iterator[list[Source]]:
    """Serve the Jira and GitHub of every organisation from a thread of this process."""
    organisations = {slug: Organisation(world) for slug, world in WORLDS.items()}
    port, servers = FIRST_PORT, []
    for organisation in organisations.values():
        port = free_port(port)
        servers.append((Server(organisation), port))
        port += 1
    thread = _Sandboxes(servers)
    thread.start()
    try:
        bases = thread.wait_until_ready()
        yield [
            Source(slug, ready_line(organisation, base))
            for (slug, organisation), base in zip(organisations.items(), bases, strict=True)
        ]
    finally:
        thread.stop()


class _Sandboxes(threading.Thread):
    """Runs sandbox servers on one event loop."""

    def __init__(self, servers: Sequence[tuple[Server, int]]) -> None:
        super().__init__(name="sandbox", daemon=True)
        self._servers = servers
        self._bases: dict[int, str] = {}
        self._is_ready = threading.Event()

    def run(self) -> None:
        """Serve until the servers are told to stop."""
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        await asyncio.gather(
            *(
                server.run_on(bound("127.0.0.1", port), partial(self._ready, number))
                for number, (server, port) in enumerate(self._servers)
            )
        )

    def _ready(self, number: int, base: str) -> None:
        self._bases[number] = base
        if len(self._bases) == len(self._servers):
            self._is_ready.set()

    def wait_until_ready(self) -> list[str]:
        """Return the base URL of each server, in their order, once all answer."""
        if not self._is_ready.wait(_START_SECONDS):
            raise UsageError("the sandbox did not start")
        return [self._bases[number] for number in range(len(self._servers))]

    def stop(self) -> None:
        """Tell the servers to stop and wait for them."""
        for server, _ in self._servers:
            server.should_exit = True
        self.join(10)


def permit_loopback() -> dict[str, str]:
    """Let this process reach the sandbox: nothing else may make integrations reach loopback.

    Returns the environment by which other processes of the demo may do so, too.
    """
    allowed = (*settings.EGRESS_ALLOWED_PRIVATE_CIDRS, LOOPBACK)
    settings.EGRESS_ALLOWED_PRIVATE_CIDRS = allowed
    return {"EGRESS_ALLOWED_PRIVATE_CIDRS": ",".join(map(str, allowed))}


def connect_source(source: Source) -> list[Integration]:
    """Connect both providers of a tenant's organisation; return the integrations."""
    tenant = Tenant.objects.get(slug=source.slug)
    made = []
    with tenant_scope(tenant.pk):
        for provider in PROVIDERS:
            given = source.ready[provider]
            connection = Connection(
                provider=provider,
                name=provider,
                base_url=given["base_url"],
                credentials=_credentials(provider, given),
                settings=given["settings"],
            )
            integration, is_new = connect(tenant, connection)
            if is_new:
                apply_presets(integration)
            made.append(integration)
    return made


def _credentials(provider: str, given: dict[str, Any]) -> dict[str, str]:
    """Return the credentials in the names of the provider's first way to sign in."""
    method = connector_for(provider).auth_methods[0]
    values = {method.user_field: given["user"], method.token_field: given["token"]}
    return {name: value for name, value in values.items() if name}


def start_runs(integrations: Sequence[Integration]) -> list[JobRun]:
    """Start an incremental run of each integration."""
    runs = []
    for integration in integrations:
        with tenant_scope(integration.tenant_id):
            runs.append(start_sync(integration))
    return runs


def compare(found: Sequence[Source]) -> dict[str, Any]:
    """Return `loaded` and `ledger`, rows a table over all tenants, and whether they are equal."""
    loaded: dict[str, int] = {}
    ledger: dict[str, int] = {}
    for source in found:
        counted: dict[str, int] = httpx2.get(source.ready["ledger"]).json()["tables"]
        tenant = Tenant.objects.get(slug=source.slug)
        with tenant_scope(tenant.pk):
            ours = live_counts(counted)
        for table, count in counted.items():
            ledger[table] = ledger.get(table, 0) + count
            loaded[table] = loaded.get(table, 0) + ours[table]
    return {"loaded": loaded, "ledger": ledger, "ok": loaded == ledger}
