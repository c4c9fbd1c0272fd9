"""A sandbox that is served from a thread of the test's process, and steered over HTTP."""

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from integrations.models import Integration
from integrations.services import Connection, connect
from jobs.imports import find_tenant
from mappings.seeds import apply_presets
from sandbox.generate.world import World
from sandbox.options import Options
from sandbox.organisation import Organisation
from sandbox.replay import Recording
from sandbox.server import Server, bound, ready_line
from tenants.scope import tenant_scope

_START_SECONDS = 60


class Served:
    """A running sandbox. ready: what `manage.py sandbox` prints of itself."""

    def __init__(self, base: str, ready: dict[str, Any]) -> None:
        self.base = base
        self.ready = ready
        self._http = httpx2.Client(base_url=base, timeout=60)

    def control(self, command: str, body: dict[str, Any] | None = None) -> Any:
        """Steer the sandbox; return what it says was done."""
        answer = self._http.post(f"/control/{command}", json=body or {})
        assert answer.status_code == 200, answer.text
        return answer.json()["done"]

    def mutate(self, *operations: dict[str, Any]) -> Any:
        """Change things at the source now."""
        return self.control("mutate", {"do": list(operations)})

    def between_pages(self, path: str, nth: int, *operations: dict[str, Any]) -> None:
        """Change things once the nth request from now on that matches was answered."""
        self.control("script", {"after_request": {"path": path, "nth": nth}, "do": operations})

    def cues_left(self) -> int:
        """Return how many of the changes between pages have not happened yet."""
        left: int = self._get("/control").json()["script"]
        return left

    def fault(self, kind: str, match: str, **rule: Any) -> None:
        """Let requests that match fail."""
        self.control("faults", {"rules": [{"kind": kind, "match": match, **rule}]})

    def heal(self) -> None:
        """Let nothing fail any more."""
        self.control("faults", {"clear": True})
        self.control("limits", {"rules": []})

    def ledger(self) -> dict[str, int]:
        """Return the true count of each table."""
        tables: dict[str, int] = self._get("/ledger").json()["tables"]
        return tables

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the true rows of a table."""
        text = self._get(f"/ledger/rows/{table}").text
        return [json.loads(line) for line in text.splitlines()]

    def gone(self) -> dict[str, list[dict[str, Any]]]:
        """Return what is no longer to be seen, by table, with the reason."""
        tables: dict[str, list[dict[str, Any]]] = self._get("/ledger/gone").json()
        return tables

    def requests(self) -> dict[str, Any]:
        """Return the counts of requests so far."""
        counts: dict[str, Any] = self._get("/ledger/requests").json()
        return counts

    def entries(self) -> list[dict[str, Any]]:
        """Return the newest requests one by one, with their path and status."""
        return [
            json.loads(line) for line in self._get("/ledger/requests/entries").text.splitlines()
        ]

    def forget_requests(self) -> None:
        """Count requests anew."""
        self.control("requests/clear")

    def accounts(self, system: str, kind: str = "", account: str = "") -> list[dict[str, Any]]:
        """Return the credentials of a system, of a kind and an account if named."""
        found: list[dict[str, Any]] = self._get("/control/accounts").json()[system]
        return [
            each
            for each in found
            if kind in ("", each["kind"]) and account in ("", each["account"])
        ]

    def connect(
        self, provider: str, tenant: str = "acme", name: str = "", **changed: Any
    ) -> Integration:
        """Connect a tenant's integration with a provider of this sandbox.

        changed: values of `Connection` that differ from those of the ready line; settings are
        added to those.
        """
        given = self.ready[provider]
        credentials = {"token": given["token"]}
        if provider == "jira":
            credentials["user"] = given["user"]
        settings = {**given["settings"], **changed.pop("settings", {})}
        connection = Connection(
            **{
                "provider": provider,
                "name": name or provider,
                "base_url": given["base_url"],
                "credentials": credentials,
                "settings": settings,
                **changed,
            }
        )
        owner = find_tenant(tenant, create=True)
        with tenant_scope(owner.pk):
            integration, is_new = connect(owner, connection)
            if is_new:
                apply_presets(integration)
        return integration

    def _get(self, path: str) -> httpx2.Response:
        answer = self._http.get(path)
        assert answer.status_code == 200, answer.text
        return answer

    def close(self) -> None:
        """Close the connections to it."""
        self._http.close()


@contextmanager
def served(source: World | Recording, options: Options | None = None) -> Iterator[Served]:
    """Serve an organisation from a thread until the block ends."""
    server = Server(Organisation(source, options))
    bases: list[str] = []
    is_ready = threading.Event()

    def ready(base: str) -> None:
        bases.append(base)
        is_ready.set()

    thread = threading.Thread(
        target=lambda: asyncio.run(server.run_on(bound("127.0.0.1", 0), ready)), daemon=True
    )
    thread.start()
    assert is_ready.wait(_START_SECONDS), "the sandbox does not start"
    found = Served(bases[0], ready_line(server.organisation, bases[0]))
    try:
        yield found
    finally:
        found.close()
        server.should_exit = True
        thread.join(10)
