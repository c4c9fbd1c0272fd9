"""`manage.py import_raw`: recorded API responses in, with no network."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import UsageError
from integrations.recordings import ignored_files
from jobs.console import name_and_value, progress, tell
from jobs.drive import EXIT_CODES_HELP, SHOWN_PROBLEMS, drive, engine
from jobs.imports import LINES_A_PAGE, start_import
from jobs.patience import beginning
from tenants.migrated import ensure_migrated


class Command(BaseCommand):
    help = (
        "Import a directory of recorded API responses: DIR/<provider>/<stream>.jsonl with an "
        "entity a line, or DIR/<provider>/<stream>/ with such files and with *.json, each a page "
        "as the API returned it. "
        "DIR/jira and DIR/github become the integrations named jira and github. It is a run like "
        "any other: importing again changes nothing. " + EXIT_CODES_HELP
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("directory", metavar="DIR", type=Path)
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--create", action="store_true", help="make the tenant if it is new")
        parser.add_argument(
            "--setting",
            action="append",
            default=[],
            metavar="NAME=VALUE",
            help="a setting of the providers, such as story_points_field=customfield_10024",
        )
        parser.add_argument(
            "--lines-a-page",
            type=int,
            default=LINES_A_PAGE,
            metavar="N",
            help=f"how many lines of a file make a raw page (default {LINES_A_PAGE})",
        )
        parser.add_argument("--json", action="store_true", help="report as one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            code = self._import(**options)
        except UsageError as error:
            raise CommandError(str(error), returncode=2) from None
        if code:
            sys.exit(code)

    def _import(self, *, directory: Path, tenant: str, create: bool, **options: Any) -> int:
        settings = dict(name_and_value("--setting", text) for text in options["setting"])
        if options["lines_a_page"] < 1:
            raise UsageError("--lines-a-page must be at least 1")
        ensure_migrated()
        with beginning():
            runs = start_import(directory, tenant, create, settings, options["lines_a_page"])
        ignored = ignored_files(directory)
        self._warn(ignored)
        with engine(), progress(quiet=options["json"]) as watch:
            drive(runs, watch)
        return tell(runs, self.stdout, options["json"], ignored=ignored)

    def _warn(self, ignored: Sequence[str]) -> None:
        for name in ignored[:SHOWN_PROBLEMS]:
            self.stderr.write(f"ignored, it is no file of a stream: {name}")
        if (hidden := len(ignored) - SHOWN_PROBLEMS) > 0:
            self.stderr.write(f"… and {hidden:,} more ignored: --json names all")
