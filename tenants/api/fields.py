"""Serializers of the API: bounded values, sparse fields, relations within the tenant."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from django.db.models import QuerySet
from django.utils.functional import cached_property
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from tenants.api.problems import bad_parameter
from tenants.api.quick_rows import Reader, readers_of, shown
from tenants.preferences import no_such_zone, zone_named

T = TypeVar("T")


class SparseMixin:
    """Lets a reader ask for some fields only: `?fields=id,key`."""

    def get_fields(self) -> dict[str, serializers.Field[Any, Any, Any, Any]]:
        return self.asked_of(super().get_fields())  # type: ignore[misc]

    def asked_of(self, fields: Mapping[str, T]) -> dict[str, T]:
        """Return those that are asked for; raise Problem for a name that is none of them."""
        request: Any = getattr(self, "context", {}).get("request")
        is_top = getattr(self, "parent", None) is None or (
            isinstance(self.parent, serializers.ListSerializer)  # type: ignore[attr-defined]
            and self.parent.parent is None  # type: ignore[attr-defined]
        )
        asked = request.query_params.get("fields") if request is not None and is_top else None
        if asked is None or request.method not in ("GET", "HEAD"):
            return dict(fields)
        names = asked.split(",")
        for name in names:
            if name not in fields:
                known = ", ".join(fields)
                raise bad_parameter("fields", f"“{name[:50]}” is none of {known}")
        return {name: field for name, field in fields.items() if name in names}


class ModelSerializer(SparseMixin, serializers.ModelSerializer[Any]):
    """Base of serializers of models. Writable relations are `OwnField`s."""

    @cached_property
    def _readers(self) -> list[Reader] | None:
        kind = type(self)
        if kind.get_fields is not SparseMixin.get_fields:
            return None
        readers = readers_of(kind)
        return None if readers is None else list(self.asked_of(readers).values())

    def to_representation(self, instance: Any) -> Any:
        if self._readers is not None:
            try:
                return shown(self, self._readers, instance)
            except AttributeError:  # a row lacks something: REST framework knows what then
                pass
        return super().to_representation(instance)


class Serializer(SparseMixin, serializers.Serializer[Any]):
    """Base of serializers of anything else."""

    def to_internal_value(self, data: Any) -> Any:
        """Refuse members that are not known: a misspelt one must not be lost silently."""
        if isinstance(data, dict):
            unknown = [name for name in data if name not in self.fields]
            if unknown:
                raise serializers.ValidationError(
                    {name: ["There is no such field."] for name in unknown}
                )
        return super().to_internal_value(data)


class Flag(serializers.BooleanField):
    """true or false, and nothing that is like it."""

    def to_internal_value(self, data: Any) -> Any:
        if data is None and self.allow_null:
            return None
        if not isinstance(data, bool):
            self.fail("invalid", input=data)
        return data


class Text(serializers.CharField):
    """A text, and no number instead of one."""

    def to_internal_value(self, data: Any) -> str:
        if not isinstance(data, str):
            self.fail("invalid")
        return super().to_internal_value(data)


class ZoneField(Text):
    """The name of a time zone, as of the IANA database."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"max_length": 64, **kwargs})

    def to_internal_value(self, data: Any) -> str:
        name = super().to_internal_value(data)
        found = zone_named(name) if name else ""
        if found is None:
            raise serializers.ValidationError(no_such_zone(name))
        return found


class IntegerField(serializers.IntegerField):
    """A whole number of 64 bits."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("min_value", -(2**63))
        kwargs.setdefault("max_value", 2**63 - 1)
        super().__init__(**kwargs)


@extend_schema_field({"type": "integer", "format": "int64"})
class OwnField(serializers.PrimaryKeyRelatedField[Any]):
    """The id of another row of the tenant; one of another tenant is as one that is not there.

    rows: called when a request is there, inside its scope.
    """

    default_error_messages = {
        "does_not_exist": "There is none with the id {pk_value}.",
        "incorrect_type": "Give an id, a whole number.",
    }

    def __init__(self, rows: Callable[[], QuerySet[Any]], **kwargs: Any) -> None:
        self._rows = rows
        if not kwargs.get("read_only"):
            kwargs.setdefault("queryset", ())
        super().__init__(**kwargs)

    def get_queryset(self) -> Any:
        return self._rows()

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool) or not isinstance(data, int):
            self.fail("incorrect_type", data_type=type(data).__name__)
        return super().to_internal_value(data)

    def __deepcopy__(self, memo: Any) -> "OwnField":
        return type(self)(self._rows, **self._kwargs)  # type: ignore[attr-defined]
