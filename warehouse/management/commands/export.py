"""`manage.py export`: loaded rows of a tenant as JSON lines, CSV or Parquet."""

import json
import os
import sys
from contextlib import nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import UsageError
from tenants.migrated import ensure_migrated
from tenants.models import Tenant
from tenants.scope import tenant_scope
from warehouse.export import TABLES, WRITERS, columns_of, rows_of, table_hash, tenant_hashes


class Command(BaseCommand):
    help = (
        "Write a table of a tenant to standard output or a file. Times are UTC, ISO 8601; rows "
        "come in the order of their natural key. Exit code 0, or 2 if a name is unknown or the "
        "output cannot be written."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("table", metavar="TABLE", help=f"one of {', '.join(TABLES)}; or all")
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument("--format", choices=sorted(WRITERS), default="jsonl")
        parser.add_argument("--output", type=Path, metavar="FILE", help="default: standard output")
        parser.add_argument(
            "--hash",
            action="store_true",
            help="print a hash that depends on the rows alone, instead of the rows; "
            "with `all` one for each table",
        )
        parser.add_argument("--json", action="store_true", help="report as JSON on standard error")

    def handle(self, *args: Any, **options: Any) -> None:
        failure = ""
        try:
            ensure_migrated()
            self._export(**options)
            sys.stdout.flush()
        except UsageError as error:
            failure = str(error)
        except BrokenPipeError:  # the reader has what it wanted, as `head` has
            _discard_standard_output()
        except OSError as error:
            _discard_standard_output()
            place = options["output"] or "standard output"
            failure = f"{place} cannot be written: {error.strerror}"
        if failure:  # raised here, for what read the database must be gone by then
            raise CommandError(failure, returncode=2)

    def _export(self, *, table: str, tenant: str, **options: Any) -> None:
        found = Tenant.objects.filter(slug=tenant).first()
        if found is None:
            raise UsageError(f"there is no tenant {tenant!r}")
        with tenant_scope(found.pk):
            if options["hash"]:
                hashes = tenant_hashes() if table == "all" else {table: self._hash(table)}
                self.stdout.write(json.dumps(hashes, indent=2))
                return
            count = self._write(table, options["format"], options["output"])
        if options["json"]:
            self.stderr.write(json.dumps({"table": table, "rows": count}))

    def _hash(self, table: str) -> str:
        columns_of(table)
        return table_hash(table)

    def _write(self, table: str, kind: str, output: Path | None) -> int:
        columns = columns_of(table)
        if output is None and kind == "parquet" and sys.stdout.isatty():
            raise UsageError("Parquet is binary: give --output FILE or redirect")
        target = output.open("wb") if output else nullcontext(_standard_output())
        with target as out:
            return WRITERS[kind](columns, rows_of(table), out)


def _discard_standard_output() -> None:
    """Let what is still to be flushed when Python ends go nowhere."""
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def _standard_output() -> BinaryIO:
    sys.stdout.flush()
    return sys.stdout.buffer
