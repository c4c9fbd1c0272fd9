"""Shows rows of a model as their serializer declares, without what REST framework does a value.

REST framework builds the fields of a serializer anew for each request, and goes through several
calls for each value of each row. Here a serializer's class is looked at once: for each field there
is then a function from a row to what is shown. A class with a field of which that cannot be said
beforehand (a nested serializer, a relation to many) is shown as ever.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, tzinfo
from operator import attrgetter
from typing import Any, Final, NamedTuple

from django.core.exceptions import FieldDoesNotExist
from django.db.models import ForeignKey
from django.utils import timezone
from rest_framework import serializers
from rest_framework.settings import api_settings

Convert = Callable[[Any], Any]


class Reader(NamedTuple):
    """How one field is read. read: from a row; convert: what it says, if it says anything.

    method: of the serializer, by its name, instead of both.
    """

    name: str
    read: Callable[[Any], Any]
    convert: Convert | None
    method: str = ""


def readers_of(kind: type[serializers.ModelSerializer[Any]]) -> Mapping[str, Reader] | None:
    """Return the readers of a class by field; None for one that has to be shown as ever.

    They tell times in UTC: None where another zone is told.
    """
    zone: tzinfo = timezone.get_current_timezone()
    if zone is not UTC:
        return None
    if "readers_by_field" not in kind.__dict__:
        kind.readers_by_field = _made(kind)  # type: ignore[attr-defined]
    found: Mapping[str, Reader] | None = kind.__dict__["readers_by_field"]
    return found


def shown(serializer: Any, readers: Iterable[Reader], row: Any) -> dict[str, Any]:
    """Return what is shown of a row; raise AttributeError for one that lacks what is read."""
    found = {}
    for name, read, convert, method in readers:
        if method:
            found[name] = getattr(serializer, method)(row)
            continue
        value = read(row)
        found[name] = value if convert is None or value is None else convert(value)
    return found


def _made(kind: type[serializers.ModelSerializer[Any]]) -> dict[str, Reader] | None:
    found = {}
    for name, field in kind().fields.items():
        if field.write_only:
            continue
        reader = _reader(name, field, kind.Meta.model)
        if reader is None:
            return None
        found[name] = reader
    return found


def _reader(name: str, field: Any, model: Any) -> Reader | None:
    if isinstance(field, serializers.SerializerMethodField):
        return Reader(name, _row, None, str(field.method_name))
    source = _attribute(field, model)
    if source is None or not _is_known(field):
        return None
    return Reader(name, attrgetter(source), _CONVERTS[type(field).to_representation](field))


def _is_known(field: Any) -> bool:
    child = getattr(field, "child", None)
    return type(field).to_representation in _CONVERTS and (child is None or _is_known(child))


def _attribute(field: Any, model: Any) -> str | None:
    """Return the attribute of a row that a field shows, if it is one that is not called."""
    if len(field.source_attrs) != 1:
        return None
    source = str(field.source)
    if isinstance(field, serializers.PrimaryKeyRelatedField):
        return _key(source, model) if field.pk_field is None else None
    if type(field).get_attribute is not serializers.Field.get_attribute:
        return None
    return None if callable(getattr(model, source, None)) else source


def _key(source: str, model: Any) -> str | None:
    try:
        column = model._meta.get_field(source)
    except FieldDoesNotExist:
        return None
    return str(column.attname) if isinstance(column, ForeignKey) else None


def _row(row: Any) -> Any:
    return row


def _text(value: Any) -> str:
    return value if type(value) is str else str(value)


def _own(field: Any) -> Convert:
    convert: Convert = field.to_representation
    return convert


def _boolean(field: Any) -> Convert:
    return lambda value: (
        value if value is True or value is False else field.to_representation(value)
    )


def _time(field: Any) -> Convert:
    if hasattr(field, "format") or hasattr(field, "timezone"):
        return _own(field)

    def convert(value: Any) -> Any:
        if type(value) is datetime and value.tzinfo is UTC:
            return value.isoformat()[:-6] + "Z"
        return field.to_representation(value)

    return convert


def _integer(field: Any) -> Convert:
    return _own(field) if api_settings.COERCE_BIGINT_TO_STRING else int


_CONVERTS: Final[Mapping[Any, Callable[[Any], Convert | None]]] = {
    serializers.CharField.to_representation: lambda _: _text,
    serializers.IntegerField.to_representation: lambda _: int,
    serializers.BigIntegerField.to_representation: _integer,
    serializers.FloatField.to_representation: lambda _: float,
    serializers.BooleanField.to_representation: _boolean,
    serializers.DateTimeField.to_representation: _time,
    serializers.PrimaryKeyRelatedField.to_representation: lambda _: None,
    serializers.DateField.to_representation: _own,
    serializers.ChoiceField.to_representation: _own,
    serializers.UUIDField.to_representation: _own,
    serializers.JSONField.to_representation: _own,
    serializers.ListField.to_representation: _own,
    serializers.DictField.to_representation: _own,
}
