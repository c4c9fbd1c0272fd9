"""`manage.py limits`: how hard an integration may pull at its source, shown and set."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import UsageError
from jobs.control.limits import set_limits
from jobs.imports import find_tenant
from jobs.sync import find_integration
from tenants.migrated import ensure_migrated
from tenants.scope import tenant_scope


class Command(BaseCommand):
    help = (
        "Show or set how many steps of an integration read at once, and how many requests an hour "
        "its source is asked at most. What is not given stays as it is. Exit code 0: shown or "
        "set; 2: refused, nothing changed."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--integration", required=True, metavar="NAME")
        parser.add_argument("--parallel", metavar="N", help="steps at once; 'none' for no limit")
        parser.add_argument("--hourly", metavar="N", help="requests an hour; 'none' for no limit")
        parser.add_argument("--json", action="store_true", help="report as one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            ensure_migrated()
            tenant = find_tenant(options["tenant"], create=False)
            row = find_integration(tenant, options["integration"])
            with tenant_scope(tenant.pk):
                if options["parallel"] is not None or options["hourly"] is not None:
                    set_limits(
                        row,
                        _given("--parallel", options["parallel"], row.max_parallel),
                        _given("--hourly", options["hourly"], row.requests_per_hour),
                    )
        except UsageError as error:
            raise CommandError(str(error), returncode=2) from None
        told = {"max_parallel": row.max_parallel, "requests_per_hour": row.requests_per_hour}
        if options["json"]:
            self.stdout.write(json.dumps({"integration": row.name, **told}))
            return
        parallel, hourly = row.max_parallel or "any number of", row.requests_per_hour
        self.stdout.write(f"{row.name}: {parallel} steps read at once")
        as_many = f"{hourly:,}" if hourly else "as many as the source allows"
        self.stdout.write(f"  requests an hour: {as_many}")


def _given(option: str, text: str | None, kept: int | None) -> int | None:
    if text is None:
        return kept
    if text.strip().lower() == "none":
        return None
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise UsageError(f"{option} {text[:40]!r} is no whole number: give one, or none")
    return int(text)
