"""`manage.py requeue`: dead steps are tried again, once what they died of is mended."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.db.models import QuerySet

from common.errors import UsageError
from jobs import retries
from jobs.console import progress, tell
from jobs.drive import EXIT_CODES_HELP, engine, wait
from jobs.imports import find_tenant
from jobs.models import JobRun, QueueEntry
from tenants.migrated import ensure_migrated
from tenants.models import Tenant
from tenants.scope import tenant_scope


class Command(BaseCommand):
    help = (
        "Queue steps again that were set aside as dead, with their attempts counted anew; their "
        "runs go on. Without --list, --step, --run or --all nothing is done. " + EXIT_CODES_HELP
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        what = parser.add_mutually_exclusive_group(required=True)
        what.add_argument("--list", action="store_true", help="only say which are dead, and why")
        what.add_argument("--step", type=int, nargs="+", metavar="ID", help="these steps")
        what.add_argument("--run", type=int, metavar="ID", help="every dead step of this run")
        what.add_argument("--all", action="store_true", help="every dead step of the tenant")
        parser.add_argument(
            "--wait",
            action="store_true",
            help="show progress until their runs have ended; without servers this process works",
        )
        parser.add_argument("--json", action="store_true", help="report as one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            ensure_migrated()
            tenant = find_tenant(options["tenant"], create=False)
            with tenant_scope(tenant.pk):
                steps = list(_chosen(tenant, options).select_related("run__integration"))
                if options["list"]:
                    self._list(steps, options["json"])
                    return
                if not steps:
                    self._nothing(tenant, options["json"])
                    return
                with transaction.atomic():
                    again = [step for step in steps if retries.replay(step)]
        except UsageError as error:
            raise CommandError(str(error), returncode=2) from None
        runs = list({step.run_id: step.run for step in again}.values())
        if options["wait"]:
            self._wait(runs, options["json"])
        else:
            self._leave(again, runs, options["json"])

    def _list(self, steps: list[QueueEntry], as_json: bool) -> None:
        told = [_told(step) for step in steps]
        if as_json:
            self.stdout.write(json.dumps(told))
            return
        for each in told:
            self.stdout.write(
                f"step {each['step']}  run {each['run']}  {each['integration']}  {each['stage']} "
                f"{each['key']}: {each['error'].partition(chr(10))[0]}"
            )
        self.stdout.write(f"{len(told)} dead step{'' if len(told) == 1 else 's'}")

    def _nothing(self, tenant: Tenant, as_json: bool) -> None:
        told: dict[str, list[int]] = {"steps": [], "runs": []}
        self.stdout.write(
            json.dumps(told) if as_json else f"tenant {tenant.slug} has no dead step of that choice"
        )

    def _leave(self, again: list[QueueEntry], runs: list[JobRun], as_json: bool) -> None:
        numbers = [run.pk for run in runs]
        if as_json:
            self.stdout.write(json.dumps({"steps": [step.pk for step in again], "runs": numbers}))
            return
        named = ", ".join(map(str, numbers))
        told = "1 step is" if len(again) == 1 else f"{len(again)} steps are"
        self.stdout.write(f"{told} queued again, of run {named}")

    def _wait(self, runs: list[JobRun], as_json: bool) -> None:
        with engine(), progress(quiet=as_json) as watch:
            wait(runs, watch)
        if code := tell(runs, self.stdout, as_json):
            sys.exit(code)


def _chosen(tenant: Tenant, options: dict[str, Any]) -> QuerySet[QueueEntry]:
    """Return the dead steps that the options name; raise UsageError for one that is not dead."""
    dead: QuerySet[QueueEntry] = QueueEntry.objects.filter(
        tenant=tenant, state=QueueEntry.State.DEAD
    ).order_by("id")
    if options["run"] is not None:
        return dead.filter(run_id=options["run"])
    if options["step"]:
        chosen = dead.filter(pk__in=options["step"])
        missing = set(options["step"]) - set(chosen.values_list("pk", flat=True))
        if missing:
            named = ", ".join(map(str, sorted(missing)))
            raise UsageError(f"tenant {tenant.slug} has no dead step {named}; see --list")
        return chosen
    return dead


def _told(step: QueueEntry) -> dict[str, Any]:
    return {
        "step": step.pk,
        "run": step.run_id,
        "integration": step.run.integration.name,
        "stage": step.stage,
        "key": step.key,
        "attempts": step.attempts,
        "error": step.error,
    }
