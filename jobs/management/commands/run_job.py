"""`manage.py run_job`: fetch from a source what is new, everything, or a window of it."""

import sys
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import UsageError
from jobs.console import progress, tell
from jobs.control.runs import cancel
from jobs.drive import EXIT_CODES_HELP, engine, wait
from jobs.imports import find_tenant
from jobs.models import JobRun
from jobs.phases import LIVE_MODES
from jobs.retransform import start_retransform
from jobs.sync import StillRunningError, find_integration, running_sync, start_sync
from tenants.migrated import ensure_migrated
from tenants.models import Tenant
from tenants.scope import tenant_scope

_MODES = [*map(str, LIVE_MODES), str(JobRun.Mode.RETRANSFORM)]


class Command(BaseCommand):
    help = (
        "Run the job of an integration: incremental fetches what changed since the last run and "
        "goes on where that one stopped; full fetches everything again; backfill what was updated "
        "in a window; retransform nothing, it reads the raw pages again. " + EXIT_CODES_HELP
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--integration", required=True, metavar="NAME")
        parser.add_argument("--mode", choices=_MODES, default=_MODES[0])
        parser.add_argument(
            "--since", metavar="TIME", help="of a backfill: a day or an instant, inclusive"
        )
        parser.add_argument(
            "--until", metavar="TIME", help="of a backfill: a day or an instant, exclusive"
        )
        parser.add_argument(
            "--wait",
            action="store_true",
            help="show progress until it has ended; without servers this process does the work",
        )
        parser.add_argument(
            "--cancel", action="store_true", help="start nothing, and cancel the run that goes on"
        )
        parser.add_argument("--json", action="store_true", help="report as one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            ensure_migrated()
            tenant = find_tenant(options["tenant"], create=False)
            do = self._cancel if options["cancel"] else self._start
            runs = [do(tenant, options)]
        except UsageError as error:
            raise CommandError(str(error), returncode=2) from None
        if not options["wait"]:
            self._leave(runs[0], options["json"])
            return
        with engine(), progress(quiet=options["json"]) as watch:
            wait(runs, watch)
        if code := tell(runs, self.stdout, options["json"]):
            sys.exit(code)

    def _cancel(self, tenant: Tenant, options: dict[str, Any]) -> JobRun:
        if options["wait"] or options["since"] or options["until"]:
            raise UsageError("--cancel goes with --tenant, --integration and --json alone")
        integration = find_integration(tenant, options["integration"])
        with tenant_scope(tenant.pk):
            run = running_sync(integration)
            if run is None:
                raise UsageError(f"no run of {integration.name} goes on")
            cancel(run)
            run.refresh_from_db()
        return run

    def _start(self, tenant: Tenant, options: dict[str, Any]) -> JobRun:
        integration = find_integration(tenant, options["integration"])
        mode = JobRun.Mode(options["mode"])
        since = _moment(options["since"], tenant, "--since")
        until = _moment(options["until"], tenant, "--until")
        if mode == JobRun.Mode.RETRANSFORM:
            if since or until:
                raise UsageError("--since and --until are the window of a backfill")
            return start_retransform(tenant, integration.name)[0]
        with tenant_scope(tenant.pk):
            try:
                return start_sync(integration, mode, since=since, until=until)
            except StillRunningError as error:
                if not options["wait"] or error.run.mode != mode or since:
                    raise
                self.stderr.write(f"run {error.run.pk} goes on already; this waits for it")
                return error.run

    def _leave(self, run: JobRun, as_json: bool) -> None:
        if as_json:
            self.stdout.write(f'{{"run": {run.pk}, "state": "{run.state}"}}')
            return
        if run.state == JobRun.State.CANCELLED:
            self.stdout.write(f"run {run.pk} is cancelled; what it has loaded is kept")
            return
        if run.cancel_requested:
            self.stdout.write(f"run {run.pk} is cancelled as soon as its running steps have ended")
            return
        worked = (
            "workers take it up"
            if settings.BROKER_URL
            else "it goes on in the process that runs the embedded engine (`manage.py demo`, or "
            "this command with --wait)"
        )
        self.stdout.write(f"run {run.pk} is queued; {worked}")


def _moment(text: str | None, tenant: Tenant, option: str) -> datetime | None:
    """Return an instant; a day or a time without an offset is one of the tenant's zone."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"{option} {text!r} is no time: give 2026-01-31 or 2026-01-31T12:00:00Z"
        ) from None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=ZoneInfo(tenant.time_zone))
    return moment.astimezone(UTC)
