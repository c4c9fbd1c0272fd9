"""`manage.py retransform`: everything again from the raw pages, with no network."""

import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import UsageError
from jobs.console import progress, tell
from jobs.drive import EXIT_CODES_HELP, drive, engine
from jobs.imports import find_tenant
from jobs.retransform import NothingSetAsideError, start_retransform
from tenants.migrated import ensure_migrated


class Command(BaseCommand):
    help = (
        "Transform and load all raw pages of a tenant again; nothing is fetched. Rows that are "
        "right already are not touched. " + EXIT_CODES_HELP
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--integration", metavar="NAME", help="only this one; default: all")
        parser.add_argument("--stream", metavar="NAME", help="only this stream; default: all")
        parser.add_argument(
            "--set-aside",
            action="store_true",
            help="only pages of which something was set aside: when what was wrong is mended",
        )
        parser.add_argument("--json", action="store_true", help="report as one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            ensure_migrated()
            tenant = find_tenant(options["tenant"], create=False)
            runs = start_retransform(
                tenant,
                options["integration"],
                options["stream"],
                only_set_aside=options["set_aside"],
            )
        except NothingSetAsideError as error:
            self.stdout.write('{"ok": true, "runs": []}' if options["json"] else str(error))
            return
        except UsageError as error:
            raise CommandError(str(error), returncode=2) from None
        with engine(), progress(quiet=options["json"]) as watch:
            drive(runs, watch)
        if code := tell(runs, self.stdout, options["json"]):
            sys.exit(code)
