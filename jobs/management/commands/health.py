"""`manage.py health`: whether the processes of a role on this host are there."""

import json
import sys
from concurrent.futures import TimeoutError as NoAnswerError
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, InterfaceError, connection

from common.deadline import asked
from jobs import presence
from jobs.models import Process

ANSWER_SECONDS: Final = 4.0


class Command(BaseCommand):
    help = (
        "Say whether the processes of a role that live on this host, or in this container, were "
        "seen lately. Exit code 0: all of them, at least one; 1: none, or one was not; 2: wrong "
        "usage. When the database cannot be reached nobody can know, and starting a process anew "
        "mends no database: that is said and is exit code 0, with --strict 1."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--role", required=True, choices=Process.Role.values)
        parser.add_argument(
            "--max-age",
            type=float,
            default=presence.MAX_AGE_SECONDS,
            metavar="SECONDS",
            help=f"after which one counts as gone ({presence.MAX_AGE_SECONDS})",
        )
        parser.add_argument(
            "--strict", action="store_true", help="exit code 1 when the database cannot be reached"
        )
        parser.add_argument("--json", action="store_true", help="report as one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        role = Process.Role(options["role"])
        try:
            found = asked(lambda: _here(role), "health").result(ANSWER_SECONDS)
        except (DatabaseError, InterfaceError, NoAnswerError) as error:
            said = str(error).strip().splitlines() or [f"no answer within {ANSWER_SECONDS:.0f} s"]
            told = f"the database cannot be reached, so nobody knows: {said[0]}"
            self._tell(options, not options["strict"], told, [])
            return
        well, told = _judged(role, found, options["max_age"])
        self._tell(options, well, told, found)

    def _tell(
        self, options: dict[str, Any], well: bool, told: str, found: list[presence.Seen]
    ) -> None:
        if options["json"]:
            self.stdout.write(json.dumps(_report(options["role"], well, told, found)))
        else:
            (self.stdout if well else self.stderr).write(told)
        if not well:
            sys.exit(1)


def _here(role: Process.Role) -> list[presence.Seen]:
    try:
        return presence.here(role)
    finally:
        connection.close()


def _judged(role: Process.Role, found: list[presence.Seen], max_age: float) -> tuple[bool, str]:
    """Return whether all is well, and what to say about it."""
    name = role.label.lower()
    if not found:
        return False, f"no {name} process of {presence.host()} says that it is there"
    stale = [each for each in found if each.age_seconds > max_age]
    if stale:
        gone = ", ".join(f"{each.process.pid} since {each.age_seconds:.0f} s" for each in stale)
        return False, f"{len(stale)} of {len(found)} {name} processes say nothing: {gone}"
    oldest = max(each.age_seconds for each in found)
    return True, f"{len(found)} {name} processes, each seen within {max(0.0, oldest):.1f} s"


def _report(role: str, well: bool, told: str, found: list[presence.Seen]) -> dict[str, Any]:
    return {
        "role": role,
        "ok": well,
        "message": told,
        "processes": [
            {
                "name": each.process.name,
                "pid": each.process.pid,
                "stages": each.process.stages,
                "version": each.process.version,
                "memory_bytes": each.process.memory_bytes,
                "seen_seconds_ago": round(each.age_seconds, 1),
            }
            for each in found
        ],
    }
