"""`manage.py runs`: runs listed, shown, paused, resumed, cancelled and retried."""

import json
from collections.abc import Callable
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import UsageError
from jobs.control import runs as control
from jobs.imports import find_tenant
from jobs.models import JobRun
from jobs.progress import progress_of
from tenants.migrated import ensure_migrated
from tenants.models import Tenant
from tenants.scope import tenant_scope

_ASKS: Final[dict[str, tuple[Callable[[JobRun, str], int], str]]] = {
    "pause": (control.pause, "run {run} is paused; {count} steps under way end first"),
    "resume": (control.resume, "run {run} goes on; {count} steps wait"),
    "cancel": (control.cancel, "run {run} is cancelled; {count} steps are left out"),
    "retry": (control.retry_failed, "run {run} goes on; {count} dead steps are tried again"),
}


class Command(BaseCommand):
    help = (
        "List runs, show one, or pause, resume, cancel or retry it. A paused run begins nothing "
        "more until it is resumed; what is under way ends within seconds. Exit code 0: done or "
        "shown; 2: refused, nothing changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=("list", "show", *_ASKS))
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--run", type=int, metavar="ID", help="which; not for list")
        parser.add_argument("--all", action="store_true", help="list: also those that have ended")
        parser.add_argument("--json", action="store_true", help="report as one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            ensure_migrated()
            tenant = find_tenant(options["tenant"], create=False)
            with tenant_scope(tenant.pk):
                self._do(tenant, options)
        except UsageError as error:
            raise CommandError(str(error), returncode=2) from None

    def _do(self, tenant: Tenant, options: dict[str, Any]) -> None:
        if options["action"] == "list":
            self._list(tenant, options["all"], options["json"])
            return
        run = _found(tenant, options["run"])
        if options["action"] == "show":
            self._show(run, options["json"])
            return
        ask, words = _ASKS[options["action"]]
        count = ask(run, "")
        run.refresh_from_db()
        told = {"run": run.pk, "state": run.state, "is_paused": run.paused_at is not None}
        text = words.format(run=run.pk, count=count)
        self.stdout.write(json.dumps({**told, "steps": count}) if options["json"] else text)

    def _list(self, tenant: Tenant, with_ended: bool, as_json: bool) -> None:
        rows = JobRun.objects.filter(tenant=tenant).select_related("integration").order_by("-id")
        if not with_ended:
            rows = rows.filter(state=JobRun.State.RUNNING)
        told = [_told(run) for run in rows[:100]]
        if as_json:
            self.stdout.write(json.dumps(told))
            return
        for each in told:
            state = "paused" if each["is_paused"] else each["state"].replace("_", " ")
            self.stdout.write(
                f"run {each['run']}  {each['integration']}  {each['mode']}  {state}  "
                f"since {each['started_at']}"
            )
        self.stdout.write(f"{len(told)} run{'' if len(told) == 1 else 's'}")

    def _show(self, run: JobRun, as_json: bool) -> None:
        progress = progress_of(run)
        if as_json:
            self.stdout.write(json.dumps(progress))
            return
        share = "so far" if progress["percent"] is None else f"{progress['percent']} %"
        state = "Paused" if progress["is_paused"] else progress["state_label"]
        self.stdout.write(f"run {run.pk} of {run.integration}: {state}, {share}")
        self.stdout.write(
            f"  {progress['records']:,} records read, {progress['rows']:,} rows written, "
            f"{progress['quarantined']:,} set aside, {progress['dead']:,} steps dead"
        )
        if progress["waiting_until"]:
            until, why = progress["waiting_until"], progress["waiting_for"]
            self.stdout.write(f"  waiting until {until}: {why}")
        if progress["error"]:
            self.stdout.write(f"  {progress['error']}")


def _found(tenant: Tenant, run_id: int | None) -> JobRun:
    if run_id is None:
        raise UsageError("say which run by --run; `manage.py runs list` tells which there are")
    rows = JobRun.objects.filter(tenant=tenant, pk=run_id).select_related("integration")
    run: JobRun | None = rows.first()
    if run is None:
        raise UsageError(f"tenant {tenant.slug} has no run {run_id}")
    return run


def _told(run: JobRun) -> dict[str, Any]:
    return {
        "run": run.pk,
        "integration": run.integration.name,
        "mode": run.mode,
        "state": run.state,
        "is_paused": run.paused_at is not None,
        "started_at": run.started_at.isoformat(timespec="seconds"),
    }
