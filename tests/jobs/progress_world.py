"""Runs and steps made row by row, for the tests of what is shown of them."""

from typing import Any

from django.utils import timezone

from integrations.models import Integration
from jobs.models import Job, JobRun, QueueEntry, Stage
from tenants.models import Tenant
from tenants.scope import tenant_scope


def make_run(slug: str) -> JobRun:
    tenant = Tenant.objects.create(name=slug, slug=slug)
    with tenant_scope(tenant.pk):
        integration = Integration.objects.create(tenant=tenant, provider="jira", name="jira")
        job = Job.objects.create(tenant=tenant, integration=integration)
        run: JobRun = JobRun.objects.create(
            tenant=tenant, job=job, integration=integration, trigger="import", mode="import"
        )
    return run


def make_step(run: JobRun, key: str, stage: Stage, state: str, **values: Any) -> QueueEntry:
    with tenant_scope(run.tenant_id):
        step: QueueEntry = QueueEntry.objects.create(
            tenant_id=run.tenant_id,
            run=run,
            integration_id=run.integration_id,
            stage=stage,
            stream="issues",
            key=key,
            state=state,
            priority=2,
            run_at=timezone.now(),
            **values,
        )
    return step
