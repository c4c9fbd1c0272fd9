"""Runs that put a large edit of the mappings in effect; see `jobs.remap_steps`."""

from typing import Final

from django.db.models import Max, Min

from common.errors import UsageError
from integrations.models import Integration
from jobs.models import JobRun
from jobs.queue import enqueue
from jobs.remap_steps import prepare_step
from jobs.runs import start
from mappings.models import ChangeSet
from warehouse.models import TenantCounter, WorkItem

IDS_A_STEP: Final = 25_000


def start_remap(change_set: ChangeSet) -> JobRun:
    """Start the run that prepares a stored change-set, in the transaction that stores it.

    A run is of one integration: this one is of the tenant's first, and works on all of them.
    """
    tenant_id = change_set.tenant_id
    integrations = list(Integration.objects.filter(tenant_id=tenant_id).order_by("pk"))
    if not integrations:
        raise UsageError("there is no integration whose work items could be touched")
    counter = TenantCounter.objects.get(tenant_id=tenant_id)
    params = {"change_set": change_set.pk, "seen_seq": counter.changed_seq}
    run = start(integrations[0], JobRun.Trigger.EDIT, JobRun.Mode.REMAP, params)
    steps = []
    for integration in integrations:
        rows = WorkItem.objects.filter(tenant_id=tenant_id, integration_id=integration.pk)
        ids = rows.aggregate(first=Min("pk"), last=Max("pk"))
        if ids["first"] is not None:
            for first in range(ids["first"], ids["last"] + 1, IDS_A_STEP):
                last = min(first + IDS_A_STEP - 1, ids["last"])
                steps.append(prepare_step(integration.pk, first, last))
    enqueue(run, steps)
    return run
