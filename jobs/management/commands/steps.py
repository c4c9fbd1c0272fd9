"""`manage.py steps`: steps listed, skipped and discarded; `requeue` tries dead ones again."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.db.models import QuerySet

from common.errors import UsageError
from jobs.control import steps as control
from jobs.imports import find_tenant
from jobs.models import QueueEntry
from tenants.migrated import ensure_migrated
from tenants.models import Tenant
from tenants.scope import tenant_scope

_STATES = (*QueueEntry.State.values,)


class Command(BaseCommand):
    help = (
        "List steps, skip those that wait, or discard those that are dead, for good and with a "
        "reason; `manage.py requeue` tries dead ones again. What is left out is read again by the "
        "next run. Exit code 0: done or shown; 2: refused, nothing changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=("list", "skip", "discard"))
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--run", type=int, metavar="ID", help="of this run")
        parser.add_argument("--step", type=int, nargs="+", metavar="ID", help="these steps")
        parser.add_argument("--state", choices=_STATES, help="list: in this state")
        parser.add_argument(
            "--reason", default="", help="skip and discard: why; kept with the step"
        )
        parser.add_argument("--json", action="store_true", help="report as one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            ensure_migrated()
            tenant = find_tenant(options["tenant"], create=False)
            with tenant_scope(tenant.pk):
                if options["action"] == "list":
                    self._list(_chosen(tenant, options), options["json"])
                else:
                    self._leave_out(tenant, options)
        except UsageError as error:
            raise CommandError(str(error), returncode=2) from None

    def _list(self, steps: QuerySet[QueueEntry], as_json: bool) -> None:
        told = [_told(step) for step in steps.order_by("id")[:1000]]
        if as_json:
            self.stdout.write(json.dumps(told))
            return
        for each in told:
            reason = each["error"].partition("\n")[0]
            self.stdout.write(
                f"step {each['step']}  run {each['run']}  {each['stage']} {each['key']}  "
                f"{each['state'].replace('_', ' ')}{': ' + reason if reason else ''}"
            )
        self.stdout.write(f"{len(told)} step{'' if len(told) == 1 else 's'}")

    def _leave_out(self, tenant: Tenant, options: dict[str, Any]) -> None:
        if not options["step"]:
            raise UsageError("say which steps by --step; `manage.py steps list` tells their ids")
        do = control.skip if options["action"] == "skip" else control.discard
        found = {step.pk: step for step in _chosen(tenant, options)}
        missing = [str(key) for key in options["step"] if key not in found]
        if missing:
            raise UsageError(f"tenant {tenant.slug} has no step {', '.join(missing)}")
        with transaction.atomic():
            for key in options["step"]:
                do(found[key], options["reason"], "")
        done = "skipped" if options["action"] == "skip" else "discarded"
        told = {"steps": options["step"], "state": QueueEntry.State.LEFT_OUT.value}
        text = f"{done}: {', '.join(map(str, options['step']))}"
        self.stdout.write(json.dumps(told) if options["json"] else text)


def _chosen(tenant: Tenant, options: dict[str, Any]) -> QuerySet[QueueEntry]:
    rows: QuerySet[QueueEntry] = QueueEntry.objects.filter(tenant=tenant)
    if options["run"] is not None:
        rows = rows.filter(run_id=options["run"])
    if options["step"]:
        rows = rows.filter(pk__in=options["step"])
    if options["state"]:
        rows = rows.filter(state=options["state"])
    return rows


def _told(step: QueueEntry) -> dict[str, Any]:
    return {
        "step": step.pk,
        "run": step.run_id,
        "stage": step.stage,
        "stream": step.stream,
        "key": step.key,
        "state": step.state,
        "attempts": step.attempts,
        "error": step.error,
    }
