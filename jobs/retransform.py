"""Re-transform runs: every raw page of an integration goes through transform and load again."""

from django.db import transaction
from django.db.models import Exists, OuterRef

from common.errors import UsageError
from integrations.models import Integration, QuarantinedRecord, RawPage
from jobs.actors.transform import transform_step
from jobs.models import JobRun
from jobs.queue import enqueue
from jobs.runs import start
from tenants.models import Tenant
from tenants.scope import tenant_scope

_STEPS_AT_ONCE = 1000


class NothingSetAsideError(UsageError):
    """There is no page of which something is set aside."""


def start_retransform(
    tenant: Tenant,
    integration: str | None = None,
    stream: str | None = None,
    *,
    only_set_aside: bool = False,
) -> list[JobRun]:
    """Start a run for each integration that has raw pages; raise UsageError if there are none.

    only_set_aside: of pages of which something is set aside, and no others.
    """
    runs = []
    with tenant_scope(tenant.pk), transaction.atomic():
        chosen = Integration.objects.filter(tenant=tenant).order_by("name")
        if integration:
            chosen = chosen.filter(name=integration)
            if not chosen.exists():
                raise UsageError(f"tenant {tenant.slug} has no integration {integration!r}")
        for found in chosen:
            if run := _start(found, stream, only_set_aside):
                runs.append(run)
    if not runs and only_set_aside:
        raise NothingSetAsideError(f"nothing of tenant {tenant.slug} is set aside of that kind")
    if not runs:
        raise UsageError(f"tenant {tenant.slug} has no raw pages of that kind to transform")
    return runs


def _start(integration: Integration, stream: str | None, only_set_aside: bool) -> JobRun | None:
    pages = (
        RawPage.objects.filter(integration=integration, is_data=True).defer("body").order_by("id")
    )
    if stream:
        pages = pages.filter(stream=stream)
    if only_set_aside:
        set_aside = QuarantinedRecord.objects.filter(raw_page_id=OuterRef("pk"))
        pages = pages.filter(Exists(set_aside.exclude(severity=QuarantinedRecord.Severity.NOTE)))
    if not pages.exists():
        return None
    run = start(integration, JobRun.Trigger.MANUAL, JobRun.Mode.RETRANSFORM, {"stream": stream})
    steps = []
    for page in pages.iterator(chunk_size=_STEPS_AT_ONCE):
        steps.append(transform_step(page, force=True))
        if len(steps) == _STEPS_AT_ONCE:
            enqueue(run, steps)
            steps = []
    enqueue(run, steps)
    return run
