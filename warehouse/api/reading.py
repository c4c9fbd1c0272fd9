"""The base of what is read here: lists of live rows, changes, one row, exports."""

from typing import Any, ClassVar, Final

import django_filters
from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.mixins import ListModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from tenants.api.etags import tagged
from tenants.api.filters import BooleanFilter, IntegerFilter, check_parameters_of_list
from tenants.api.views import TenantViewSet
from warehouse.alive import live_rows
from warehouse.api.changes import CHANGED_SINCE, ChangesPagination, is_of_changes
from warehouse.models.base import Tombstone
from warehouse.tables import TABLES

LOADED: Final = ("fetched_at", "changed_seq")
"""What every loaded row tells of itself: when its source said so, and its last change here."""
BURIED: Final = ("deleted_at", "deleted_reason")


class LoadedFilters(django_filters.FilterSet):
    """What every list of loaded rows can be filtered by."""

    integration = IntegerFilter(label="Id of the integration that it was loaded from.")


class TombstoneFilters(LoadedFilters):
    """Of tables whose rows stay when they are gone at the source."""

    is_deleted = BooleanFilter(
        method="with_tombstones",
        label="true: tombstones alone, of what is gone at the source. Left out otherwise.",
    )

    def with_tombstones(self, rows: QuerySet[Any], name: str, value: bool) -> QuerySet[Any]:
        """Narrow to tombstones; that live rows alone are listed otherwise is in `live`."""
        return rows.filter(deleted_at__isnull=not value)


class ReadSet(ListModelMixin, TenantViewSet):
    """A read-only set of loaded rows, with incremental reading.

    Lists are of live rows; with `changed_since` tombstones are among them. has_changes: whether
    a list can be asked what changed.
    """

    pagination_class = ChangesPagination
    extra_parameters = (CHANGED_SINCE,)
    has_changes: ClassVar[bool] = True
    orderings: ClassVar[dict[str, str]] = {"changed_seq": "changed_seq"}

    def get_object(self) -> Any:
        """Return the row that the address names; no filter has a say in it."""
        check_parameters_of_list(self.request, set())
        row = get_object_or_404(self.get_queryset(), pk=self.kwargs["pk"])
        self.check_object_permissions(self.request, row)
        return row

    def rows(self) -> QuerySet[Any]:
        every: QuerySet[Any] = self.model._default_manager.all()
        if self.action != "list" or is_of_changes(self.request):
            return every
        if issubclass(self.model, Tombstone) and "is_deleted" in self.request.query_params:
            return every
        return live_rows(next(table for table in TABLES if table.model is self.model))


class DetailSet(ReadSet):
    """The same with one row for itself."""

    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """One of them, also one that is gone at the source."""
        return tagged(request, self.get_serializer(self.get_object()).data)
