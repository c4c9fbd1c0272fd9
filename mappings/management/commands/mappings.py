"""`manage.py mappings`: the tables of rules as CSV, out and in."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError, CommandParser

from common.errors import UsageError
from mappings.editing import Author, Preview, apply, preview
from mappings.exchange.plan import Plan, PlannedRow, plan_import
from mappings.exchange.tables import TABLES, table_of
from mappings.exchange.writing import csv_of
from mappings.models import ChangeSet
from tenants.migrated import ensure_migrated
from tenants.models import Tenant
from tenants.scope import tenant_scope

SHOWN_ROWS: Final = 20
_AUTHOR: Final = Author(None, "manage.py mappings")


class Command(BaseCommand):
    help = (
        "Write a table of mappings as CSV, with names instead of ids, or read one. An import says "
        "what it would do, row by row and to work items, and writes nothing without --apply; with "
        "it all of the file is one change-set, which can be undone. Exit code 0; 1 if cells of "
        "the file are wrong, each told with its row and column; 2 if a name is unknown or the "
        "file is none of this table."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("action", choices=("export", "import"))
        parser.add_argument("table", metavar="TABLE", help=f"one of {', '.join(TABLES)}")
        parser.add_argument(
            "file",
            metavar="FILE",
            type=Path,
            nargs="?",
            help="to read from, needed by import; to write to, standard output by default",
        )
        parser.add_argument("--tenant", required=True, metavar="SLUG")
        parser.add_argument(
            "--excel", action="store_true", help="export: begin with a byte order mark"
        )
        parser.add_argument(
            "--replace", action="store_true", help="import: remove rows that are not in the file"
        )
        parser.add_argument("--apply", action="store_true", help="import: write it")
        parser.add_argument("--json", action="store_true", help="report as one line of JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        failure = ""
        try:
            ensure_migrated()
            tenant = Tenant.objects.filter(slug=options["tenant"]).first()
            if tenant is None:
                raise UsageError(f"there is no tenant {options['tenant']!r}")
            with tenant_scope(tenant.pk):
                if options["action"] == "export":
                    self._export(tenant, options)
                    return
                is_right = self._import(tenant, options)
        except UsageError as error:
            failure = str(error)
        except OSError as error:
            failure = f"{options['file'] or 'standard output'}: {error.strerror}"
        if failure:
            raise CommandError(failure, returncode=2)
        if not is_right:
            sys.exit(1)

    def _export(self, tenant: Tenant, options: Mapping[str, Any]) -> None:
        pieces = csv_of(table_of(options["table"]), tenant.pk, has_mark=options["excel"])
        if options["file"] is None:
            for piece in pieces:
                self.stdout.write(piece, ending="")
            return
        with options["file"].open("w", encoding="utf-8", newline="") as out:
            out.writelines(pieces)

    def _import(self, tenant: Tenant, options: Mapping[str, Any]) -> bool:
        """Say what a file would do, and do it if asked; return whether all its cells are right."""
        if options["file"] is None:
            raise UsageError("import: name the FILE to read")
        table = table_of(options["table"])
        data = options["file"].read_bytes()
        plan = plan_import(table, tenant.pk, data, is_replacing=options["replace"])
        if plan.problem_count:
            self._report(plan, None, None, options["json"])
            return False
        found = preview(tenant.pk, plan.edit)
        change_set = None
        if options["apply"]:
            change_set = apply(
                tenant.pk,
                plan.edit,
                author=_AUTHOR,
                origin=ChangeSet.Origin.IMPORT,
                summary=plan.summary,
            )
        self._report(plan, found, change_set, options["json"])
        if not options["apply"] and not options["json"] and not plan.is_empty:
            self.stdout.write("Nothing was written: --apply does it.")
        return True

    def _report(
        self, plan: Plan, found: Preview | None, change_set: ChangeSet | None, as_json: bool
    ) -> None:
        if as_json:
            self.stdout.write(json.dumps(_told(plan, found, change_set), ensure_ascii=False))
            return
        for note in plan.notes:
            self.stdout.write(note)
        for problem in plan.problems:
            place = f"row {problem.row}" + (f", {problem.column}" if problem.column else "")
            self.stdout.write(f"{place}: {problem.message}")
        if plan.problem_count:
            self.stdout.write(f"{plan.problem_count:,} cells are wrong: nothing was written.")
            return
        for row in plan.rows[:SHOWN_ROWS]:
            self.stdout.write(_line(row, plan))
        if len(plan.rows) > SHOWN_ROWS:
            self.stdout.write(f"… and {len(plan.rows) - SHOWN_ROWS:,} more")
        self.stdout.write(", ".join(f"{count:,} {what}" for what, count in plan.counts.items()))
        if found is not None:
            self.stdout.write(f"{found.impact.touched_count:,} work items change")
        if change_set is not None:
            done = f"in effect as version {change_set.version}"
            if change_set.version is None:
                done = f"prepared by run {change_set.run_id}, in effect when that ends"
            self.stdout.write(f"{change_set.summary}: {done}")


def _line(row: PlannedRow, plan: Plan) -> str:
    cells = row.after if row.after is not None else row.before or {}
    name = ", ".join(cells[each] for each in plan.table.naming if cells[each])
    if row.before is None:
        return f"row {row.number}: added {name}"
    if row.after is None:
        return f"removed {name}"
    before, after = row.before, row.after
    changes = ", ".join(f"{each} {before[each]!r} → {after[each]!r}" for each in row.differing)
    return f"row {row.number}: {name}: {changes}"


def _told(plan: Plan, found: Preview | None, change_set: ChangeSet | None) -> dict[str, Any]:
    return {
        "table": plan.table.slug,
        **plan.counts,
        "notes": plan.notes,
        "problem_count": plan.problem_count,
        "problems": [
            {"row": each.row, "column": each.column, "message": each.message}
            for each in plan.problems
        ],
        "touched_work_items": found.impact.touched_count if found is not None else None,
        "change_set": change_set.pk if change_set is not None else None,
        "version": change_set.version if change_set is not None else None,
    }
