"""What can be set, declared once: forms, validation and the help of commands are made from it.

A provider's settings are a struct; what a person has to know of a setting stands at its type:

    projects: Annotated[str, setting("Projects", "Empty for all.", kind="list", picks="projects")]
"""

from typing import Any, Final, Literal, get_args

import msgspec

Kind = Literal["text", "long_text", "list", "date", "number", "flag", "choice", "address"]
"""How a value is asked for. list: texts separated by commas. address: a URL that requests, and
so credentials, are sent to; the names of just these settings end in `_url`."""

_LABEL: Final = "title"
_HELP: Final = "description"


class SettingField(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of a provider, as it was declared.

    default: in its own type. choices: of a `choice`. least, most: of a number. picks: the slug of
    the `Discovery` whose finds may be chosen here, empty for none. is_advanced: most people leave
    it alone.
    """

    name: str
    label: str
    help: str
    kind: Kind
    default: Any
    choices: tuple[str, ...] = ()
    least: int | None = None
    most: int | None = None
    picks: str = ""
    is_advanced: bool = False


def setting(
    label: str,
    help: str = "",
    *,
    kind: Kind | None = None,
    picks: str = "",
    is_advanced: bool = False,
    **limits: Any,
) -> msgspec.Meta:
    """Declare a setting, to stand at its type.

    kind: needed only where the type does not tell it. limits: those of `msgspec.Meta`, such as
    `ge`, `le` and `pattern`.
    """
    extra = {"kind": kind, "picks": picks, "is_advanced": is_advanced}
    return msgspec.Meta(title=label, description=help, extra=extra, **limits)


def setting_fields(settings_type: type[msgspec.Struct]) -> tuple[SettingField, ...]:
    """Return the settings of a provider in their order. One that is not declared by `setting` is
    there too, under its own name."""
    info = msgspec.inspect.type_info(settings_type)
    assert isinstance(info, msgspec.inspect.StructType)
    return tuple(_field(each) for each in info.fields)


def _field(field: msgspec.inspect.Field) -> SettingField:
    type_, told, extra = field.type, dict[str, Any](), dict[str, Any]()
    while isinstance(type_, msgspec.inspect.Metadata):
        told = {**(type_.extra_json_schema or {}), **told}
        extra = {**(type_.extra or {}), **extra}
        type_ = type_.type
    kind, more = _kind(type_)
    return SettingField(
        name=field.name,
        label=told.get(_LABEL) or field.name.replace("_", " ").capitalize(),
        help=told.get(_HELP, ""),
        kind=extra.get("kind") or ("address" if field.name.endswith("_url") else kind),
        default=field.default,
        picks=extra.get("picks", ""),
        is_advanced=extra.get("is_advanced", False),
        **more,
    )


def _kind(type_: msgspec.inspect.Type) -> tuple[Kind, dict[str, Any]]:
    """Return what a type alone tells of how its values are asked for."""
    match type_:
        case msgspec.inspect.BoolType():
            return "flag", {}
        case msgspec.inspect.IntType(ge=least, le=most):
            return "number", {"least": least, "most": most}
        case msgspec.inspect.LiteralType(values=values):
            return "choice", {"choices": tuple(map(str, values))}
        case _:
            return "text", {}


KINDS: Final[tuple[str, ...]] = get_args(Kind)
