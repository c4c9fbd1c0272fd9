"""What a program gives of a connection, as values of JSON, turned into what services take."""

from collections.abc import Mapping
from typing import Any, Final

from django.core.exceptions import ValidationError

from integrations.contract import Connector, SettingField, setting_fields
from integrations.errors import FieldError
from integrations.form_fields import setting_text

_EXPECTED: Final = {
    "flag": "true or false",
    "number": "a whole number",
    "list": "a text with commas, or a list of texts",
}


def given_settings(
    connector: Connector, values: Mapping[str, Any]
) -> tuple[dict[str, str], list[str]]:
    """Return settings as text, and the names of those that go back to their default.

    values: by the names of settings, null for the default. Raises FieldError for one that the
    provider does not have or does not take.
    """
    declared = {each.name: each for each in setting_fields(connector.settings_type)}
    if unknown := sorted(set(values) - set(declared)):
        raise FieldError(
            "settings",
            f"{connector.label} has no setting {', '.join(unknown)[:200]}; there are: "
            f"{', '.join(declared)}",
        )
    texts = {name: _text(connector, declared[name], value) for name, value in values.items()}
    return {name: text for name, text in texts.items() if text}, [
        name for name, text in texts.items() if not text
    ]


def _text(connector: Connector, declared: SettingField, value: Any) -> str:
    if value is None:
        return ""
    if not _is_of_kind(declared, value):
        expected = _EXPECTED.get(declared.kind, "a text")
        raise FieldError(f"settings.{declared.name}", f"Give {expected}, or null for the default.")
    if isinstance(value, list):
        value = ",".join(value)
    try:
        return setting_text(connector, declared, value)
    except ValidationError as error:
        raise FieldError(f"settings.{declared.name}", " ".join(error.messages)) from None


def _is_of_kind(declared: SettingField, value: Any) -> bool:
    if declared.kind == "flag":
        return isinstance(value, bool)
    if declared.kind == "number":
        return isinstance(value, int) and not isinstance(value, bool)
    if declared.kind == "list" and isinstance(value, list):
        return all(isinstance(each, str) for each in value)
    return isinstance(value, str)
