"""`manage.py schedule`: when an integration is synced by itself, changed and shown."""

import json
import re
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction

from common.errors import UsageError
from integrations.models import Integration
from jobs.agenda import Agenda, agenda_of, policy_in_words
from jobs.clock import database_now
from jobs.imports import find_tenant
from jobs.models import Job
from jobs.schedule_edits import LONGEST_MINUTES, LONGEST_RETRY_MINUTES, change, held_job_of
from jobs.slots import checked_cron
from jobs.sync import find_integration
from tenants.migrated import ensure_migrated
from tenants.models import Tenant
from tenants.scope import tenant_scope

_SPAN: Final = re.compile(r"(\d{1,6})(m|h|d)")
_MINUTES: Final = {"m": 1, "h": 60, "d": 1440}


class Command(BaseCommand):
    help = (
        "Say when an integration is synced by schedule, and show it: in words, the next runs and "
        "the last slots with what became of them. What is not given stays as it is. Times are in "
        "the tenant's time zone. `manage.py scheduler` (or `manage.py demo`) starts the runs. "
        "Exit code 0: shown or changed; 2: refused, nothing changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--integration", metavar="NAME", help="default: show all of the tenant")
        parser.add_argument("--every", metavar="SPAN", help="an interval: 30m, 2h or 1d")
        parser.add_argument(
            "--cron", metavar="EXPRESSION", help="such as '30 6 * * 1-5', or @daily; '' for none"
        )
        switch = parser.add_mutually_exclusive_group()
        switch.add_argument("--off", action="store_true", help="start nothing by schedule")
        switch.add_argument("--on", action="store_true", help="start by schedule again")
        parser.add_argument(
            "--catch-up",
            choices=Job.CatchUp.values,
            help="of slots that nobody started in time: one run for all, a run for each, or none",
        )
        parser.add_argument(
            "--blackout",
            action="append",
            metavar="WINDOW",
            help="no run starts in it: 'mon-fri 08:00-18:00', 'daily 00:00-01:00' or "
            "2026-12-24..2026-12-26; may be repeated, and replaces all that there were",
        )
        parser.add_argument("--no-blackouts", action="store_true", help="remove all windows")
        parser.add_argument(
            "--retry",
            metavar="SPAN",
            help="after a failed run, such as 15m; 0: none",
        )
        parser.add_argument("--show", action="store_true", help="the default without changes")
        parser.add_argument("--json", action="store_true", help="report as one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            ensure_migrated()
            tenant = find_tenant(options["tenant"], create=False)
            with tenant_scope(tenant.pk):
                jobs = self._jobs(tenant, options)
                now = database_now()
                agendas = [agenda_of(job, now) for job in jobs]
        except UsageError as error:
            raise CommandError(str(error), returncode=2) from None
        if options["json"]:
            self.stdout.write(json.dumps({"jobs": agendas}, default=lambda time: time.isoformat()))
            return
        if not agendas:
            self.stdout.write(f"{tenant.slug} has no integration; `manage.py connect` makes one")
        for agenda in agendas:
            self._tell(agenda)

    def _jobs(self, tenant: Tenant, options: dict[str, Any]) -> list[Job]:
        changes = _changes(options)
        if options["integration"] is None:
            if changes:
                raise UsageError("name what is to be changed by --integration")
            integrations = list(Integration.objects.filter(tenant=tenant).order_by("name"))
            return [_job_of(integration) for integration in integrations]
        integration = find_integration(tenant, options["integration"])
        if not changes:
            return [_job_of(integration)]
        with transaction.atomic():
            job = held_job_of(integration)
            change(job, changes)
        return [job]

    def _tell(self, agenda: Agenda) -> None:
        words = agenda["words"] or "no schedule"
        self.stdout.write(f"{agenda['integration']}: {words}{'' if agenda['is_on'] else ', off'}")
        if agenda["problem"]:
            self.stdout.write(f"  cannot be kept: {agenda['problem']}")
        if not agenda["words"]:
            return
        for line in policy_in_words(agenda):
            self.stdout.write(f"  {line}")
        for moment in agenda["next"]:
            self.stdout.write(f"  next  {moment:%a %Y-%m-%d %H:%M %Z}")
        for slot in agenda["last"]:
            told = f"  last  {slot['slot_at']:%a %Y-%m-%d %H:%M %Z}  {slot['outcome']}"
            if slot["run"]:
                told += f" run {slot['run']} ({slot['state'].replace('_', ' ')})"
            if slot["missed"]:
                told += f", for {slot['missed']:,} earlier slots, too"
            self.stdout.write(told + (f": {slot['reason']}" if slot["reason"] else ""))


def _job_of(integration: Integration) -> Job:
    """Return the integration's job; one that is not saved if it has none."""
    found = Job.objects.select_related("tenant", "integration").filter(integration=integration)
    job: Job = found.first() or Job(tenant=integration.tenant, integration=integration)
    return job


def _changes(options: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a job that the options change."""
    changes: dict[str, Any] = {}
    if options["every"] is not None and options["cron"] is not None:
        raise UsageError("--every and --cron are two ways to say when: give one of them")
    if options["blackout"] and options["no_blackouts"]:
        raise UsageError("--blackout and --no-blackouts exclude each other")
    if options["every"] is not None:
        minutes = _minutes("--every", options["every"], LONGEST_MINUTES)
        changes |= {"interval_minutes": minutes, "cron": ""}
    if options["cron"] is not None:
        cron = options["cron"].strip()
        changes |= {"cron": checked_cron(cron) if cron else "", "interval_minutes": None}
        if len(changes["cron"]) > 100:
            raise UsageError(f"--cron has {len(cron)} characters; there may be 100")
    if options["on"] or options["off"]:
        changes["is_active"] = bool(options["on"])
    if options["catch_up"]:
        changes["catch_up"] = options["catch_up"]
    if any(not window.strip() for window in options["blackout"] or ()):
        raise UsageError("--blackout is empty: give a window, or --no-blackouts")
    if options["blackout"] or options["no_blackouts"]:
        changes["blackouts"] = "\n".join(options["blackout"] or [])
    if options["retry"] is not None:
        zero = options["retry"].strip() == "0"
        changes["retry_minutes"] = (
            0 if zero else _minutes("--retry", options["retry"], LONGEST_RETRY_MINUTES)
        )
    if changes and options["show"]:
        raise UsageError("--show changes nothing: leave it out, what was changed is shown anyway")
    return changes


def _minutes(option: str, text: str, most: int) -> int:
    match = _SPAN.fullmatch(text.strip().lower())
    minutes = int(match[1]) * _MINUTES[match[2]] if match else 0
    if not 0 < minutes <= most:
        raise UsageError(
            f"{option} {text!r} is no span: give whole minutes, hours or days such as 30m, 2h "
            f"or 1d, up to {most // 1440}d"
        )
    return minutes
