"""Runs that go on, people who watch them, and a publisher that tells of them once a second."""

import threading
import time
from typing import Any, Final

from preview_world import setup

EVENT_SECONDS: Final = 1.0


def fill(people: int, runs: int) -> tuple[list[str], list[int]]:
    """Migrate the database of the settings and fill it; return keys of sessions and ids of runs."""
    setup()
    from django.contrib.auth.models import User
    from django.core.management import call_command

    from tenants.models import Membership, Role, Tenant
    from tenants.scope import tenant_scope

    call_command("migrate", verbosity=0)
    tenant = Tenant.objects.create(name="Bench", slug="bench")
    users = User.objects.bulk_create(
        [User(username=f"person {n}", password=f"!{n}") for n in range(people)]
    )
    with tenant_scope(tenant.pk):
        Membership.objects.bulk_create(
            [Membership(tenant=tenant, user=user, role=Role.VIEWER) for user in users]
        )
        return [_session(user) for user in users], [_run(tenant, n) for n in range(runs)]


def make_tenant(slug: str) -> tuple[int, str]:
    """Make a tenant with a member; return its id and the key of a session of theirs."""
    from django.contrib.auth.models import User
    from django.db import connection

    from mappings.seeds import seed_tenant
    from tenants.models import Membership, Role, Tenant
    from tenants.scope import tenant_scope

    tenant = Tenant.objects.create(name=slug, slug=slug)
    user = User.objects.create(username=slug)
    with tenant_scope(tenant.pk):
        seed_tenant(tenant.pk)
        Membership.objects.create(tenant=tenant, user=user, role=Role.VIEWER)
    session = _session(user)
    connection.close()
    return tenant.pk, session


def _session(user: Any) -> str:
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore

    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    return str(session.session_key)


def _run(tenant: Any, number: int) -> int:
    from django.utils import timezone

    from integrations.models import Integration
    from jobs.models import Job, JobRun, QueueEntry

    own = {"tenant": tenant}
    integration = Integration.objects.create(**own, provider="jira", name=f"jira {number}")
    job = Job.objects.create(**own, integration=integration)
    run = JobRun.objects.create(
        **own, job=job, integration=integration, trigger="manual", mode="full"
    )
    for key, state in (("page", "done"), ("next", "running")):
        QueueEntry.objects.create(
            **own,
            run=run,
            integration=integration,
            stage="transform",
            stream="issues",
            key=key,
            state=state,
            priority=2,
            run_at=timezone.now(),
        )
    return int(run.pk)


class Telling:
    """Has each run go on by a record a second, and publishes it, in a thread of its own.

    published: when each count of records was published, by run.
    """

    def __init__(self, runs: list[int]) -> None:
        from jobs.live.publishing import Publisher

        self.published: dict[int, dict[int, float]] = {run: {} for run in runs}
        self._publisher = Publisher()
        self._send = self._publisher._send
        self._publisher._send = self._noted  # type: ignore[method-assign]
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._go_on)

    def __enter__(self) -> "Telling":
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._ended.set()
        self._thread.join()

    def _noted(self, run: Any, progress: Any) -> None:
        self.published[run.pk][progress["records"]] = time.monotonic()
        self._send(run, progress)

    def _go_on(self) -> None:
        from django.db import connection
        from django.db.models import F

        from jobs.models import QueueEntry
        from tenants.scope import every_tenant

        due = time.monotonic()
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            due += EVENT_SECONDS
            with every_tenant("the benchmark has its runs go on"):
                QueueEntry.objects.filter(key="page").update(record_count=F("record_count") + 1)
            self._publisher.publish_due()
        connection.close()
