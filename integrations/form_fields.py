"""Fields of forms, made from what a provider declares; and their values as the text of settings."""

from datetime import date
from typing import Any, Final

import msgspec
from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from common.errors import UsageError
from integrations.contract import Connector, CredentialField, SettingField
from integrations.egress import check_url
from integrations.services import wrong_setting

LONGEST_TEXT: Final = 20_000
_NO_SPELLING: Final = {"autocomplete": "off", "spellcheck": "false", "autocapitalize": "off"}


def setting_field(declared: SettingField) -> forms.Field:
    """Return the field that asks for a setting; it is validated by `setting_text`."""
    common: dict[str, Any] = {
        "label": declared.label,
        "help_text": declared.help,
        "required": False,
        "initial": initial_of(declared, declared.default),
    }
    match declared.kind:
        case "flag":
            return forms.BooleanField(widget=UnfoldBooleanSwitchWidget(), **common)
        case "number":
            return forms.IntegerField(
                widget=UnfoldAdminIntegerFieldWidget(attrs={"placeholder": str(declared.default)}),
                min_value=declared.least,
                max_value=declared.most,
                **common,
            )
        case "choice":
            choices = [(each, each.replace("_", " ").capitalize()) for each in declared.choices]
            return forms.ChoiceField(choices=choices, widget=UnfoldAdminSelectWidget, **common)
        case "date":
            return forms.DateField(widget=_day_input(), **common)
        case "list" | "long_text":
            rows = {"rows": 2, "data-kind": declared.kind, **_NO_SPELLING}
            return forms.CharField(
                widget=UnfoldAdminTextareaWidget(attrs=rows), max_length=LONGEST_TEXT, **common
            )
        case _:
            return forms.CharField(
                widget=UnfoldAdminTextInputWidget(attrs=_NO_SPELLING), max_length=500, **common
            )


def _day_input() -> Any:
    """Return the widget of a day: the browser's own calendar."""
    widget = UnfoldAdminTextInputWidget()
    widget.input_type = "date"
    return widget


def credential_field(declared: CredentialField, *, is_kept: bool) -> forms.Field:
    """Return the field that asks for a value of a credential, which is never shown.

    is_kept: there is a value, which stays if none is given.
    """
    told = declared.help[:1].upper() + declared.help[1:]
    attrs: dict[str, Any] = {**_NO_SPELLING, "placeholder": "Kept" if is_kept else ""}
    widget: forms.Widget
    if declared.is_long:
        widget = UnfoldAdminTextareaWidget(attrs={**attrs, "rows": 4})
    elif declared.is_secret:
        # Not `current-password`: browsers would fill in the password of this site.
        attrs["autocomplete"] = "new-password"
        widget = UnfoldAdminPasswordWidget(attrs=attrs, render_value=False)
    else:
        widget = UnfoldAdminTextInputWidget(attrs=attrs)
    return forms.CharField(
        label=declared.label,
        help_text=told,
        required=False,
        max_length=LONGEST_TEXT,
        strip=True,
        widget=widget,
    )


def initial_of(declared: SettingField, value: Any) -> Any:
    """Return a stored setting as its field shows it."""
    if declared.kind == "list":
        return ", ".join(_parts(str(value or "")))
    if declared.kind == "flag":
        return value in (True, "true", "1", 1)
    return "" if value is None else value


def setting_text(connector: Connector, declared: SettingField, value: Any) -> str:
    """Return the value of a field as the text of a setting, empty for its default.

    Raises ValidationError for what the provider does not take.
    """
    text = _text(declared, value)
    if text in ("", _text(declared, declared.default)):
        return ""
    try:
        if declared.kind == "address":
            check_url(text)
        msgspec.convert({declared.name: text}, connector.settings_type, strict=False)
    except msgspec.ValidationError as error:
        said = str(wrong_setting(str(error), {declared.name: text}, [declared.name]))
        said = said.removeprefix(f"setting {declared.name}: ")
        raise ValidationError(said[:1].upper() + said[1:]) from None
    except UsageError as error:
        raise ValidationError(str(error)) from None
    return text


def _text(declared: SettingField, value: Any) -> str:
    if declared.kind == "flag":
        return "true" if value else "false"
    if value is None:
        return ""
    if declared.kind == "list":
        return ",".join(_parts(str(value)))
    return value.isoformat() if isinstance(value, date) else str(value).strip()


def _parts(text: str) -> list[str]:
    """Return what stands between commas or on lines of their own, each once, in its order."""
    names = (name.strip() for name in text.replace("\n", ",").split(","))
    return list(dict.fromkeys(name for name in names if name))
