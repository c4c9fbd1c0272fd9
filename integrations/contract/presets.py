"""Starter mappings of a provider."""

import msgspec


class TypeRule(msgspec.Struct, frozen=True, kw_only=True):
    """A starter rule for types: a name or a source level becomes a target type on a level."""

    from_name: str | None = None
    from_level: int | None = None
    target: str
    level: int


class StatusRule(msgspec.Struct, frozen=True, kw_only=True):
    """A starter rule for statuses: a name or a source category becomes a workflow step."""

    from_name: str | None = None
    from_category: str | None = None
    target: str
    step: str


class Presets(msgspec.Struct, frozen=True):
    """Starter mappings of a provider."""

    types: tuple[TypeRule, ...] = ()
    statuses: tuple[StatusRule, ...] = ()
