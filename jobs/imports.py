"""Imports of recordings: runs like any other, whose extract steps this process takes itself."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec
from django.db import transaction
from django.utils.text import slugify

from common.errors import UsageError
from integrations.contract import Connector
from integrations.models import Integration
from integrations.recordings import Position, recorded_files, recorded_providers
from integrations.registry import connectors
from jobs.extract_recorded import import_step
from jobs.models import JobRun, QueueEntry, Stage
from jobs.queue import claim_step, enqueue
from jobs.runs import start
from jobs.steps import work
from mappings.seeds import apply_presets, seed_tenant
from tenants.models import Tenant
from tenants.scope import every_tenant, tenant_scope

LINES_A_PAGE = 500


def find_tenant(slug: str, create: bool) -> Tenant:
    """Return the tenant; make and seed it if `create`, else raise UsageError if there is none."""
    tenant = Tenant.objects.filter(slug=slug).first()
    if tenant is None:
        if not create:
            known = ", ".join(Tenant.objects.order_by("slug").values_list("slug", flat=True)[:20])
            raise UsageError(f"there is no tenant {slug!r}; there are: {known or 'none yet'}")
        if slugify(slug) != slug:
            raise UsageError(f"{slug!r} is no slug: lower-case letters, digits and hyphens only")
        with transaction.atomic():
            name = slug.replace("-", " ").title()
            taken = Tenant.objects.filter(name=name).exists()
            tenant = Tenant.objects.create(slug=slug, name=slug if taken else name)
            with tenant_scope(tenant.pk):
                seed_tenant(tenant.pk)
    return tenant


def start_import(
    directory: Path,
    tenant: str,
    create: bool = False,
    settings: Mapping[str, str] | None = None,
    lines_a_page: int = LINES_A_PAGE,
) -> list[JobRun]:
    """Start a run for each provider that the directory has recordings of.

    DIR/jira becomes the integration named `jira`, and so on. tenant: a slug; create: make it if
    it is new. settings: for each provider those it knows. Raises UsageError, with nothing made,
    if the tenant, the directory or a setting is no good.
    """
    directory = directory.resolve()
    providers = recorded_providers(directory)
    chosen = _settings_by_provider(providers, settings or {})
    with transaction.atomic():
        owner = find_tenant(tenant, create)
        with tenant_scope(owner.pk):
            return [
                _start(directory, owner, connector, chosen[connector.slug], lines_a_page)
                for connector in providers
            ]


def _start(
    directory: Path, tenant: Tenant, connector: Connector, settings: dict[str, str], lines: int
) -> JobRun:
    integration = _integration(tenant, connector, settings)
    params = {"directory": str(directory)}
    run = start(integration, JobRun.Trigger.IMPORT, JobRun.Mode.IMPORT, params)
    files = recorded_files(directory, connector)
    root = str(directory)
    enqueue(run, [import_step(root, lines, f, Position(), for_importer=True) for f in files])
    return run


def _settings_by_provider(
    providers: Sequence[Connector], settings: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    chosen = {
        connector.slug: {
            name: value
            for name, value in settings.items()
            if name in connector.settings_type.__struct_fields__
        }
        for connector in providers
    }
    known = {name for c in connectors().values() for name in c.settings_type.__struct_fields__}
    if unknown := sorted(set(settings) - known):
        raise UsageError(
            f"unknown setting {', '.join(unknown)}; there are: {', '.join(sorted(known)) or 'none'}"
        )
    for connector in providers:
        try:
            msgspec.convert(chosen[connector.slug], connector.settings_type)
        except msgspec.ValidationError as error:
            raise UsageError(f"setting of {connector.slug}: {error}") from None
    return chosen


def _integration(tenant: Tenant, connector: Connector, settings: dict[str, str]) -> Integration:
    integration: Integration
    integration, created = Integration.objects.get_or_create(
        tenant=tenant, name=connector.slug, defaults={"provider": connector.slug}
    )
    if integration.provider != connector.slug:
        raise UsageError(
            f"integration {integration.name} is one of {integration.provider}; rename it first"
        )
    if settings and integration.settings != {**integration.settings, **settings}:
        integration.settings = {**integration.settings, **settings}
        integration.save(update_fields=["settings", "updated_at"])
    if created:
        apply_presets(integration)
    return integration


def extract_next(run: JobRun, worker: str) -> bool:
    """Do one extract step of the run in this process; return False when there is none left."""
    with every_tenant("looking for the run's own steps"):
        waiting = QueueEntry.objects.filter(
            run_id=run.pk, stage=Stage.EXTRACT, state=QueueEntry.State.QUEUED
        ).order_by("id")
        ids = list(waiting.values_list("pk", flat=True)[:20])
    for step_id in ids:
        if step := claim_step(step_id, worker, early=True):
            work(step)
            return True
    return False
