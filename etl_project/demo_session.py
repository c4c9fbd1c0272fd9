"""What a demo does and says, whichever processes do the work."""

from typing import Any

from django.core.management.base import OutputWrapper

from etl_project.demo import make_people, new_password
from etl_project.demo_sources import Source, compare, connect_source, start_runs
from jobs.console import progress, tell
from jobs.drive import wait


class Session:
    """Somebody to log in as, a sync of both sources, and what came of it.

    as_json: only one line of JSON is written. Made once the tables are there; raises UsageError
    as `make_people` does.
    """

    def __init__(self, out: OutputWrapper, as_json: bool) -> None:
        self._out = out
        self._as_json = as_json
        self._password = new_password()
        self._people = make_people(self._password)

    def sync(self, found: list[Source], address: str, **more: Any) -> int:
        """Connect the sources, have workers sync them and compare; return the exit code.

        Greets whoever waits, first. more: what else the line of JSON says.
        """
        self._greet(address)
        integrations = [each for source in found for each in connect_source(source)]
        runs = start_runs(integrations)
        with progress(quiet=self._as_json) as watch:
            wait(runs, watch)
        compared = compare(found)
        users = [person.name for person in self._people]
        told = {"address": address, "users": users, "password": self._password, **more}
        code = tell(runs, self._out, self._as_json, **told, **compared)
        if not self._as_json:
            self._tell_compared(compared)
        self._out.flush()
        return int(code != 0 or not compared["ok"])

    def invite(self, address: str) -> None:
        """Say that the site stays up, and until when."""
        if not self._as_json:
            self._out.write(f"\nLook at {address} – Ctrl-C ends the demo.")
            self._out.flush()

    def _greet(self, address: str) -> None:
        if self._as_json:
            return
        self._out.write(f"\n  {address}   password of all users: {self._password}\n\n")
        width = max(len(person.name) for person in self._people)
        for person in self._people:
            self._out.write(f"    {person.name:<{width}}  sees {person.sees}")
        self._out.write("")
        self._out.flush()

    def _tell_compared(self, compared: dict[str, Any]) -> None:
        loaded, ledger = compared["loaded"], compared["ledger"]
        if compared["ok"]:
            self._out.write(
                f"All {sum(ledger.values()):,} rows of the sources' ledger are loaded, "
                f"in {len(ledger)} tables."
            )
            return
        for table, count in ledger.items():
            if loaded[table] != count:
                self._out.write(f"{table}: {loaded[table]:,} loaded, {count:,} in the ledger")
