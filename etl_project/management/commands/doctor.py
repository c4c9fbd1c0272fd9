"""`manage.py doctor`: what is wrong with this installation, and how to mend it."""

import json
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from etl_project.checkup import check_all
from etl_project.checkup.finding import Finding, hide_passwords
from etl_project.checkup.services import declare


class Command(BaseCommand):
    help = (
        "Check Python, packages, settings, files, disk, database, broker, channel layer, "
        "cache, Qdrant, processes and queue; a line each says ok, warning or "
        "problem, what is wrong and what to do. "
        "Passwords are never shown. Exit code 0: no problem; 1: a problem."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--declare", action="store_true", help="declare the queues at the broker first"
        )
        parser.add_argument("--json", action="store_true", help="report as a JSON list")

    def handle(self, *args: Any, **options: Any) -> None:
        as_json: bool = options["json"]
        findings: list[Finding] = []
        if options["declare"]:
            findings.append(self._tell(hide_passwords(declare()), as_json))
        findings += [self._tell(finding, as_json) for finding in check_all()]
        if as_json:
            self.stdout.write(json.dumps([finding.as_dict() for finding in findings], indent=1))
        if any(finding.level == "problem" for finding in findings):
            sys.exit(1)

    def _tell(self, finding: Finding, quiet: bool) -> Finding:
        """Write the finding's line at once, so that one sees what is waited for."""
        if not quiet:
            paint = {
                "ok": self.style.SUCCESS,
                "warning": self.style.WARNING,
                "problem": self.style.ERROR,
            }[finding.level]
            remedy = f" → {finding.remedy}" if finding.remedy else ""
            level = paint(f"{finding.level:<8}")
            self.stdout.write(f"{level} {finding.check:<13} {finding.message}{remedy}")
            self.stdout.flush()
        return finding
