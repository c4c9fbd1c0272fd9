"""Fields of rules in bodies: names that can be seen, texts that can be matched, own rows."""

from typing import Any, Final

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from mappings.rules import LONGEST_NAME, fold
from tenants.api.fields import OwnField, Text

LEVELS: Final = (-32_767, 32_767)
KEY_BYTES: Final = 2_000
"""Of all that a rule matches by: an index of PostgreSQL holds no more than 2,704."""


class Name(Text):
    """What something of one's own is called: one that can be seen."""

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        if not fold(text):
            raise serializers.ValidationError("Give a name that can be seen.", code="blank")
        return text


class Matched(Text):
    """What a rule matches by; empty: it does not matter. Kept folded, where that is said."""

    def __init__(self, *, is_folded: bool = True, **kwargs: Any) -> None:
        self._is_folded = is_folded
        if not kwargs.get("required"):
            kwargs = {"default": "", "allow_blank": True, **kwargs}
        super().__init__(max_length=LONGEST_NAME, **kwargs)

    def to_internal_value(self, data: Any) -> str:
        text = super().to_internal_value(data)
        text = fold(text) if self._is_folded else text
        if len(text) > LONGEST_NAME:
            raise serializers.ValidationError(
                f"Without differences of case and form it has {len(text)} characters; "
                f"{LONGEST_NAME} are possible.",
                code="max_length",
            )
        return text


@extend_schema_field(OpenApiTypes.INT64)
class Reference(OwnField):
    """The id of another row of the tenant, looked up once however many rows of a body name it."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, bool) or not isinstance(data, int):
            return super().to_internal_value(data)
        context: Any = self.context
        found: dict[Any, Any] = context.setdefault("references", {})
        key = (self.get_queryset().model, data)
        if key not in found:
            found[key] = super().to_internal_value(data)
        return found[key]


def check_length(values: dict[str, Any], names: tuple[str, ...]) -> None:
    """Raise ValidationError if what a rule matches by is too long to be kept as a key."""
    length = sum(len(str(values[name]).encode()) for name in names)
    if length > KEY_BYTES:
        raise serializers.ValidationError(
            {
                "from_name": f"What the rule matches by has {length:,} bytes in all; "
                f"{KEY_BYTES:,} are possible."
            }
        )
