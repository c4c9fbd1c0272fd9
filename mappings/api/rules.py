"""Base of the view sets of rules: reading, editing, many at once."""

from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.db.models import QuerySet
from rest_framework.decorators import action
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from mappings.api.edits import CREATE, DELETE, MOST_EDITS, UPDATE, Edits, RowEdit
from mappings.api.outcome import answer, applied, outcome
from mappings.api.tables import RuleTable
from mappings.models import ChangeSet
from tenants.api.etags import etag_of, require_match, tagged
from tenants.api.filters import check_parameters
from tenants.api.idempotency import idempotent
from tenants.api.problems import Problem
from tenants.api.views import TenantViewSet
from tenants.permissions import Capability

_EDIT: Final = Capability.EDIT_MAPPINGS


class RuleViewSet(ListModelMixin, TenantViewSet):
    """Rules of one table. Every write is one change-set, which `mapping-versions` shows."""

    table: ClassVar[RuleTable]
    capabilities: ClassVar[Mapping[str, Capability | None]] = {
        "create": _EDIT,
        "update": _EDIT,
        "partial_update": _EDIT,
        "destroy": _EDIT,
        "bulk": _EDIT,
    }

    def rows(self) -> QuerySet[Any]:
        return self.table.rows()

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One of them, with the tag that an edit of it names by If-Match."""
        return tagged(request, self.get_serializer(self.get_object()).data)

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Add one. 202: it is being prepared and has no id yet."""
        check_parameters(request, set())
        return self._made(request, RowEdit(self.table, CREATE, values=request.data), 201)

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Make it what the body says: members that are left out become what they are by default."""
        return self._edited(request, is_partial=False)

    def partial_update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Change the members that the body has."""
        return self._edited(request, is_partial=True)

    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Delete it. What depends on it has to go elsewhere: 409 says what, `move_to` where."""
        check_parameters(request, {"move_to"})
        edit = RowEdit(
            self.table,
            DELETE,
            self._id(),
            move_to=request.query_params.get("move_to"),
            check=self._checked(request),
        )
        edits = Edits(self.tenant.pk, [edit])
        return answer(applied(request, self.tenant.pk, edits, ChangeSet.Origin.FORM))

    @action(detail=False, methods=["post"])
    @idempotent
    def bulk(self, request: Request) -> Response:
        """Add rows (without id) and change rows (with id: members that are left out stay), all or
        nothing, as one change-set. What is wrong is told by index: `/3/from_name`."""
        check_parameters(request, set())
        rows = rows_of(request.data)
        edits = Edits(
            self.tenant.pk,
            [self._of_bulk(number, values) for number, values in enumerate(rows)],
        )
        change_set = applied(request, self.tenant.pk, edits, ChangeSet.Origin.BULK)
        if change_set is not None and change_set.state == ChangeSet.State.PREPARING:
            return answer(change_set, results=[])
        found = {row.pk: row for row in self._read(list(edits.row_ids.values()))}
        written = [found[edits.row_ids[number]] for number in range(len(rows))]
        return answer(change_set, results=self.table.row_class(written, many=True).data)

    def _of_bulk(self, number: int, values: Any) -> RowEdit:
        place = f"/{number}"
        if not isinstance(values, dict) or "id" not in values:
            return RowEdit(self.table, CREATE, values=values, pointer=place, values_pointer=place)
        row_id = values["id"]
        if isinstance(row_id, bool) or not isinstance(row_id, int):
            told = "Give an id, a whole number; leave it out of a new row."
            raise Problem(
                400,
                "invalid",
                f"{number}.id: {told}",
                [{"pointer": f"{place}/id", "detail": told, "code": "invalid"}],
            )
        rest = {name: value for name, value in values.items() if name != "id"}
        return RowEdit(
            self.table,
            UPDATE,
            row_id,
            rest,
            is_partial=True,
            pointer=place,
            values_pointer=place,
        )

    def _edited(self, request: Request, *, is_partial: bool) -> Response:
        names = self.update_parameters
        check_parameters(request, set(names))
        edit = RowEdit(
            self.table,
            UPDATE,
            self._id(),
            request.data,
            is_partial=is_partial,
            move_to=request.query_params.get("move_to"),
            check=self._checked(request),
        )
        return self._made(request, edit, 200)

    update_parameters: ClassVar[tuple[str, ...]] = ()
    """Query parameters of an edit."""

    def _made(self, request: Request, edit: RowEdit, status: int) -> Response:
        edits = Edits(self.tenant.pk, [edit])
        change_set = applied(request, self.tenant.pk, edits, ChangeSet.Origin.FORM)
        if change_set is not None and change_set.state == ChangeSet.State.PREPARING:
            return answer(change_set)
        row = self._read([edits.row_ids[0]])[0]
        data = self.table.row_class(row).data
        headers = {"ETag": etag_of(data)}
        return Response({**data, **outcome(change_set)}, status=status, headers=headers)

    def _checked(self, request: Request) -> Any:
        def check(row: Any) -> None:
            require_match(request, etag_of(self.table.row_class(row).data))

        return check

    def _id(self) -> int:
        return int(self.kwargs[self.lookup_url_kwarg or self.lookup_field])

    def _read(self, ids: list[int]) -> list[Any]:
        return list(self.table.rows().filter(tenant_id=self.tenant.pk, pk__in=ids))


def rows_of(data: Any) -> list[Any]:
    """Return the rows of a body; raise Problem for what is no list of some."""
    if not isinstance(data, list):
        raise Problem(400, "invalid", "Give a list of rows.")
    if not 1 <= len(data) <= MOST_EDITS:
        raise Problem(
            400, "invalid", f"Give 1 to {MOST_EDITS:,} rows at once; these are {len(data):,}."
        )
    return data
