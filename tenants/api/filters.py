"""Filters by allow-list: what is not declared is refused, never ignored."""

from functools import lru_cache
from typing import Any, Final

import django_filters
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import ProhibitNullCharactersValidator
from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.extensions import OpenApiFilterExtension
from rest_framework.request import Request
from rest_framework.views import APIView

from tenants.api.paging import PARAMETERS
from tenants.api.problems import Problem, ProblemError, bad_parameter

_OF_ALL: Final = frozenset({*PARAMETERS, "fields"})
MOST_IDS: Final = 100


class StrictFilterBackend(DjangoFilterBackend):
    """Applies the view's `filterset_class`; a parameter that nothing knows is an error.

    extra_parameters: of the view, those that something else than the filter set reads.
    """

    def filter_queryset(
        self, request: Any, queryset: QuerySet[Any], view: APIView
    ) -> QuerySet[Any]:
        """Return the rows that pass; raise Problem (400) for what cannot be filtered by."""
        kind: Any = self.get_filterset_class(view, queryset)
        filters = kind.base_filters if kind is not None else {}
        check_parameters_of_list(request, {*filters, *getattr(view, "extra_parameters", ())})
        asked = frozenset(
            name
            for name, each in filters.items()
            if name in request.query_params or each.extra.get("required")
        )
        if not asked:
            return queryset
        for name in asked:
            if request.query_params.get(name) == "":  # which django-filter would pass over
                raise bad_parameter(name, "give a value, or leave it out")
        filterset = _only(kind, asked)(**self.get_filterset_kwargs(request, queryset, view))
        if not filterset.is_valid():
            errors: list[ProblemError] = [
                {"parameter": name, "detail": str(message), "code": "invalid"}
                for name, messages in filterset.errors.items()
                for message in messages
            ]
            first = errors[0]
            raise Problem(400, "invalid", f"{first['parameter']}: {first['detail']}", errors)
        rows: QuerySet[Any] = filterset.qs
        return rows


@lru_cache(maxsize=512)
def _only(kind: Any, names: frozenset[str]) -> Any:
    """Return a filter set with these filters alone, for each request copies all that it has."""
    narrowed: Any = type(kind.__name__, (kind,), {})
    narrowed.base_filters = {
        name: kind.base_filters[name] for name in kind.base_filters if name in names
    }
    return narrowed


class DescribedFilters(OpenApiFilterExtension):  # type: ignore[no-untyped-call]
    """Describes the filters of a view by what each takes; no row is read for that."""

    target_class = "tenants.api.filters.StrictFilterBackend"
    priority = 1

    def get_schema_operation_parameters(
        self, auto_schema: Any, *args: Any, **kwargs: Any
    ) -> list[dict[str, Any]]:
        """Return the query parameters."""
        filterset: Any = getattr(auto_schema.view, "filterset_class", None)
        filters = filterset.base_filters if filterset is not None else {}
        return [
            {
                "name": name,
                "in": "query",
                "required": bool(each.extra.get("required")),
                "description": str(each.extra.get("help_text") or ""),
                "schema": _schema_of(each),
            }
            for name, each in filters.items()
        ]


def _schema_of(each: Any) -> dict[str, Any]:
    if isinstance(each, IntegerFilter):
        return {"type": "integer", "format": "int64"}
    if isinstance(each, IdsFilter):
        return {"type": "string", "pattern": f"^[0-9]{{1,18}}(,[0-9]{{1,18}}){{0,{MOST_IDS - 1}}}$"}
    if isinstance(each, BooleanFilter):
        return {"type": "boolean"}
    if isinstance(each, TimeFilter):
        return {"type": "string", "format": "date-time"}
    if isinstance(each, django_filters.ChoiceFilter):
        return {"type": "string", "enum": [value for value, _ in each.extra["choices"]]}
    return {"type": "string", "minLength": 1, "maxLength": 255}


def check_parameters(request: Request, known: set[str]) -> None:
    """Raise Problem for a query parameter that is none of these, or is given twice."""
    for name in request.query_params:
        if name not in known:
            there = f"there are {', '.join(sorted(known))}" if known else "there are none here"
            raise bad_parameter(name[:100], f"there is no such parameter; {there}")
        if len(request.query_params.getlist(name)) > 1:
            raise bad_parameter(name, "give it once")


def check_parameters_of_list(request: Request, known: set[str]) -> None:
    """Raise Problem for a query parameter that is neither of these nor of every list."""
    check_parameters(request, known | _OF_ALL)


class _IdField(forms.IntegerField):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, min_value=-(2**63), max_value=2**63 - 1, **kwargs)

    def to_python(self, value: Any) -> int | None:
        if len(str(value)) > 20:
            raise ValidationError("Enter a whole number of 64 bits.")
        found: int | None = super().to_python(value)
        return found


class IntegerFilter(django_filters.Filter):
    """A whole number of 64 bits; ids of other rows, too: a foreign one finds nothing."""

    field_class = _IdField


class _IdsField(forms.Field):
    def to_python(self, value: Any) -> list[int] | None:
        if not value:
            return None
        parts = str(value).split(",")
        if len(parts) > MOST_IDS or not all(
            p.isascii() and p.isdigit() and len(p) < 19 for p in parts
        ):
            raise ValidationError(f"Give up to {MOST_IDS} ids with commas between them.")
        return [int(part) for part in parts]


class IdsFilter(django_filters.Filter):
    """Ids with commas between them."""

    field_class = _IdsField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("lookup_expr", "in")
        super().__init__(*args, **kwargs)


class TextFilter(django_filters.CharFilter):
    """Text of up to 255 characters, compared as it is unless `lookup_expr` says otherwise."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 255)
        kwargs.setdefault("strip", False)
        kwargs.setdefault("validators", [ProhibitNullCharactersValidator()])
        super().__init__(*args, **kwargs)


class _BooleanField(forms.Field):
    def to_python(self, value: Any) -> bool | None:
        if value in (None, ""):
            return None
        if value not in ("true", "false"):
            raise ValidationError("Give true or false.")
        return bool(value == "true")


class BooleanFilter(django_filters.Filter):
    """`true` or `false`."""

    field_class = _BooleanField


class TimeFilter(django_filters.IsoDateTimeFilter):
    """An instant of ISO 8601; without an offset it is UTC."""
