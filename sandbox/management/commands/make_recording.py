"""`manage.py make_recording`: write a made-up organisation as a directory of recorded entities."""

import sys
from argparse import ArgumentParser
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from sandbox.generate.recordings import write
from sandbox.generate.styles import STYLES
from sandbox.generate.world import UNTIL, World


class Command(BaseCommand):
    """Write a recording; exit 0 when all of it is written, 1 when not, 2 on a wrong option."""

    help = (
        "Write a made-up Jira site and GitHub organisation to DIR/jira and DIR/github, one JSON "
        "entity a line. The same options give the same bytes."
    )
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("directory", metavar="DIR", type=Path, help="where to write it")
        parser.add_argument("--items", type=int, required=True, help="how many work items")
        parser.add_argument("--seed", type=int, default=1, help="another seed, another world")
        parser.add_argument("--style", choices=sorted(STYLES), default="acme", help="its names")
        parser.add_argument(
            "--shape",
            choices=("v2", "v3"),
            default="v2",
            help="Jira entities of the agile board API (v2) or of search, with rich text (v3)",
        )
        parser.add_argument(
            "--lean", action="store_true", help="leave out nulls, counters and links: about half"
        )
        parser.add_argument(
            "--until",
            type=_day,
            default=UNTIL,
            metavar="DATE",
            help=f"the last day of its history, in UTC (default {UNTIL:%Y-%m-%d})",
        )
        parser.add_argument("--days", type=int, default=425, help="how long its history is")
        parser.add_argument(
            "--ledger", action="store_true", help="write DIR/ledger.json: what a warehouse holds"
        )
        parser.add_argument("--jira-only", action="store_true", help="write no GitHub")
        parser.add_argument(
            "--force", action="store_true", help="replace a recording that is already there"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Write the recording and say what was written."""
        directory: Path = options["directory"]
        if options["items"] < 1 or options["days"] < 1:
            raise CommandError("--items and --days must be at least 1.")
        if not options["force"] and any(directory.glob("*/*.jsonl")):
            raise CommandError(f"{directory} already holds a recording; --force replaces it.")
        world = World(
            items=options["items"],
            seed=options["seed"],
            style_name=options["style"],
            until=options["until"],
            days=options["days"],
            lean=options["lean"],
            shape=options["shape"],
        )
        progress = self._report if sys.stderr.isatty() else None
        try:
            ledger = write(
                world,
                directory,
                ledger=options["ledger"],
                github=not options["jira_only"],
                progress=progress,
            )
        except OSError as error:
            raise CommandError(f"The recording is not complete: {error}") from error
        tables = ledger["tables"]
        self.stdout.write(
            f"Wrote {tables['work_items']:,} work items with "
            f"{tables['work_item_changelogs']:,} changes and "
            f"{tables['pull_requests']:,} pull requests to {directory}."
        )

    def _report(self, what: str, done: int, total: int) -> None:
        """Show on one line of the terminal how far it is."""
        ending = "\n" if done == total else ""
        self.stderr.write(f"\r{what}: {done:,} of {total:,}", ending=ending)
        self.stderr.flush()


def _day(text: str) -> datetime:
    """Return noon of a day in UTC."""
    return datetime.strptime(text, "%Y-%m-%d").replace(hour=12, tzinfo=UTC)
