"""Edits of rules as they come in bodies, made as one change-set or not at all.

All of an edit is looked at under the lock under which it is written, so nobody's other edit comes
between what was checked and what is stored.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from django.http import Http404
from rest_framework.exceptions import ValidationError

from mappings.checks import RuleError
from tenants.api.errors import flattened
from tenants.api.problems import Problem, ProblemError

if TYPE_CHECKING:
    from mappings.api.tables import RuleTable

CREATE, UPDATE, DELETE = "create", "update", "delete"
MOST_EDITS: Final = 1_000


@dataclass(frozen=True)
class RowEdit:
    """What is to become of one row.

    row_id: None of a new one. values: members of its body; what is missing of a partial one stays
    as it is. move_to: where goes what depends on it, as it was given. pointer: to the edit in the
    body, empty where it is all of it; values_pointer: to its members. check: called with the row
    as it is stored, under the lock.
    """

    table: "RuleTable"
    action: str
    row_id: int | None = None
    values: Any = None
    is_partial: bool = False
    move_to: int | str | None = None
    pointer: str = ""
    values_pointer: str = ""
    check: Callable[[Any], None] | None = None

    def refuse_missing(self) -> ProblemError:
        """Return that there is no such row; raise Http404 where the address names it."""
        if not self.pointer:
            raise Http404
        return ProblemError(
            pointer=f"{self.pointer}/id",
            detail=f"There is none with the id {self.row_id}.",
            code="does_not_exist",
        )

    def error(self, name: str, detail: str, code: str = "invalid") -> ProblemError:
        """Return what is wrong with a member."""
        return ProblemError(pointer=f"{self.values_pointer}/{name}", detail=detail, code=code)


@dataclass
class Edits:
    """Edits in their order; an object of this class is an edit for `editing.apply`.

    row_ids: of the rows that were written, by the number of the edit. places: pointers to what
    rows of tables came from. references: rows that bodies name, looked up once.
    """

    tenant_id: int
    edits: Sequence[RowEdit]
    row_ids: dict[int, int] = field(default_factory=dict)
    places: dict[tuple[str, int], str] = field(default_factory=dict)
    references: dict[Any, Any] = field(default_factory=dict)

    def __call__(self) -> None:
        """Write all of them; raise Problem for what is wrong with any."""
        numbered = list(enumerate(self.edits))
        for (table, is_removal), some in groupby(
            numbered, key=lambda each: (each[1].table, each[1].action == DELETE)
        ):
            self.references.clear()  # an earlier edit may have changed what is named
            if is_removal:
                for _, edit in some:
                    table.remove(self, edit)
            else:
                table.write(self, list(some))

    def wrote(self, number: int, edit: RowEdit, table: str, row_id: int) -> None:
        """Note what an edit wrote."""
        self.row_ids[number] = row_id
        self.places[table, row_id] = edit.values_pointer

    def validated(
        self, edit: RowEdit, stored: Any, errors: list[ProblemError]
    ) -> dict[str, Any] | None:
        """Return the values of a body; None, with errors, for one that cannot be."""
        row_class = edit.table.row_class
        values = edit.values
        if isinstance(values, dict) and stored is not None and edit.is_partial:
            values = {**row_class(stored).data, **values}
        context = {
            "row": stored,
            "posted": set(edit.values) if isinstance(edit.values, dict) else set(),
            "references": self.references,
        }
        serializer = row_class(data=values, context=context)
        if serializer.is_valid():
            found: dict[str, Any] = dict(serializer.validated_data)
            return found
        details = ValidationError(serializer.errors).get_full_details()
        errors.extend(flattened(details, edit.values_pointer))
        return None

    def problem_of(self, error: RuleError) -> Problem:
        """Return rules that cannot be as a problem, with the place that it came from."""
        text = str(error)
        text = f"{text[:1].upper()}{text[1:]}."
        place = self.places.get((error.table, error.row_id or 0))
        if place is None:
            return Problem(400, "invalid", text)
        name = error.column.removesuffix("_id")
        pointer = f"{place}/{name}" if name else place or "/"
        return Problem(
            400, "invalid", text, [ProblemError(pointer=pointer, detail=text, code="invalid")]
        )


def refuse(errors: Sequence[ProblemError]) -> None:
    """Raise Problem if anything is wrong."""
    if not errors:
        return
    first = errors[0]
    where = first.get("pointer", "").strip("/").replace("/", ".")
    detail = f"{where}: {first['detail']}" if where else first["detail"]
    more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
    raise Problem(400, "invalid", detail + more, errors)
