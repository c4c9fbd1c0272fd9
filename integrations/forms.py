"""The form of an integration, made from what its provider declares."""

from collections.abc import Iterator
from itertools import count
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from common.errors import UsageError
from integrations.contract import AuthMethod, Connector, SettingField, setting_fields
from integrations.credentials import addresses, base_url_needs_secret
from integrations.egress import check_url
from integrations.errors import FieldError
from integrations.form_fields import (
    credential_field,
    initial_of,
    setting_field,
    setting_text,
)
from integrations.models import Integration
from integrations.services import Connection, check_name

NO_SIGN_IN: Final = "none"
ENTER_AGAIN: Final = (
    "The credentials are kept for the present address and are not sent elsewhere: to change it, "
    "enter them again."
)


class IntegrationForm(forms.Form):
    """Asks for what `services.connect` takes. Credentials are taken and never shown.

    is_trial: to try the values, not to save them; a name is not needed then.
    """

    def __init__(
        self,
        connector: Connector,
        integration: Integration | None = None,
        data: Any = None,
        *,
        is_trial: bool = False,
    ) -> None:
        super().__init__(data)
        self.connector, self.integration = connector, integration
        self.is_trial = is_trial
        self.declared = setting_fields(connector.settings_type)
        self.settings: dict[str, str] = {}
        """What was given and is no default, as text."""
        self._add_connection()
        self._add_credentials()
        for each in self.declared:
            field = setting_field(each)
            if integration is not None:
                value = integration.settings.get(each.name, each.default)
                field.initial = initial_of(each, value)
            self.fields[f"setting_{each.name}"] = field
        presets = connector.presets
        if integration is None and not is_trial and (presets.types or presets.statuses):
            self.fields["starter"] = self._starter()

    def _add_connection(self) -> None:
        connector, row = self.connector, self.integration
        if row is None:
            self.fields["name"] = forms.CharField(
                max_length=64,
                required=not self.is_trial,
                initial=_free_name(connector.slug),
                widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
                help_text="Lower-case letters, digits and hyphens. Exports name it, so it stays.",
            )
        has_default = bool(connector.default_url)
        told = (
            f"Empty for {connector.default_url}."
            if has_default
            else "As people open it in the browser."
        )
        self.fields["base_url"] = forms.CharField(
            label="Base URL",
            max_length=500,
            required=False,
            initial=row.base_url if row else "",
            help_text=told,
            widget=UnfoldAdminTextInputWidget(
                attrs={
                    "placeholder": connector.url_example,
                    "inputmode": "url",
                    "autocomplete": "off",
                    "spellcheck": "false",
                }
            ),
        )

    def _add_credentials(self) -> None:
        row, methods = self.integration, self.connector.auth_methods
        choices = [(each.slug, each.label) for each in methods]
        if row is None or not row.credentials:
            choices.append((NO_SIGN_IN, "None: recordings are imported"))
        first = methods[0].slug if row is None else NO_SIGN_IN
        self.fields["method"] = forms.ChoiceField(
            label="Sign in by",
            choices=choices,
            initial=row.auth_method if row is not None and row.credentials else first,
            widget=UnfoldAdminSelectWidget,
        )
        for method in methods:
            for each in method.fields:
                field = credential_field(each, is_kept=self._keeps(method.slug))
                self.fields[f"credential_{method.slug}_{each.name}"] = field

    def _starter(self) -> forms.Field:
        presets = self.connector.presets
        types, statuses = len(presets.types), len(presets.statuses)
        return forms.BooleanField(
            label="Begin with starter mappings",
            initial=True,
            required=False,
            widget=UnfoldBooleanSwitchWidget(),
            help_text=f"{types} rules for types and {statuses} for statuses, which take hold with "
            "the first run and can be edited at any time.",
        )

    def _keeps(self, method: str) -> bool:
        row = self.integration
        return row is not None and bool(row.credentials) and row.auth_method == method

    # ---- for the page

    def credentials_of(
        self,
    ) -> Iterator[tuple[AuthMethod, list[tuple[forms.BoundField, bool]]]]:
        """Give each way to sign in with its fields, and whether each may be left out."""
        for method in self.connector.auth_methods:
            yield (
                method,
                [
                    (self[f"credential_{method.slug}_{each.name}"], not each.is_required)
                    for each in method.fields
                ],
            )

    def settings_of(self, *, is_advanced: bool) -> list[tuple[SettingField, forms.BoundField]]:
        """Return the settings that most people need, or the others, with their fields."""
        return [
            (each, self[f"setting_{each.name}"])
            for each in self.declared
            if each.is_advanced == is_advanced
        ]

    @property
    def plain_settings(self) -> list[tuple[SettingField, forms.BoundField]]:
        """See `settings_of`."""
        return self.settings_of(is_advanced=False)

    @property
    def advanced_settings(self) -> list[tuple[SettingField, forms.BoundField]]:
        """See `settings_of`."""
        return self.settings_of(is_advanced=True)

    @property
    def is_advanced_wrong(self) -> bool:
        """Whether something is wrong where it would not be seen."""
        return any(bound.errors for _, bound in self.advanced_settings)

    # ---- what was given

    def clean_name(self) -> str:
        name: str = self.cleaned_data["name"]
        if self.is_trial:
            return name
        try:
            check_name(name)
        except UsageError as error:
            raise ValidationError(_sentence(error)) from None
        if Integration.objects.filter(name=name).exists():
            raise ValidationError(f"There is an integration “{name}” already. Give another name.")
        return name

    def clean_base_url(self) -> str:
        url: str = self.cleaned_data["base_url"].strip()
        if url and "://" not in url:
            url = f"https://{url}"
        try:
            return check_url(url) if url else ""
        except UsageError as error:
            raise ValidationError(_sentence(error)) from None

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        for each in self.declared:
            self._clean_setting(each)
        if cleaned.get("method") not in (None, NO_SIGN_IN):
            self._clean_address()
            self._clean_credentials(cleaned["method"])
        return cleaned

    def _clean_setting(self, declared: SettingField) -> None:
        name = f"setting_{declared.name}"
        if name not in self.cleaned_data:
            return
        try:
            text = setting_text(self.connector, declared, self.cleaned_data[name])
        except ValidationError as error:
            self.add_error(name, error)
            return
        if text:
            self.settings[declared.name] = text

    def _clean_address(self) -> None:
        """Demand an address, and the credentials again where they would go elsewhere."""
        if "base_url" not in self.cleaned_data:
            return
        kept = self.integration.base_url if self.integration else ""
        url = self.cleaned_data["base_url"] or kept or self.connector.default_url
        if not url:
            self.add_error(
                "base_url",
                f"{self.connector.label} needs an address, such as {self.connector.url_example}.",
            )
        row = self.integration
        if row is None or not row.credentials or any(self._given().values()):
            return
        if base_url_needs_secret(row.base_url, url):
            self.add_error("base_url", ENTER_AGAIN)
        before = addresses(self.connector, row.settings)
        for name, value in addresses(self.connector, self.settings).items():
            if value != before[name] and not self.has_error(f"setting_{name}"):
                self.add_error(f"setting_{name}", ENTER_AGAIN)

    def _clean_credentials(self, slug: str) -> None:
        """Say at the field what is missing. Ids and names may be left as they are; what is
        secret goes together."""
        given, is_kept = self._given(), self._keeps(slug)
        if is_kept and not any(given.values()):
            return
        (method,) = (each for each in self.connector.auth_methods if each.slug == slug)
        for each in method.fields:
            may_stay = is_kept and not each.is_secret
            if each.is_required and not given[each.name] and not may_stay:
                self.add_error(f"credential_{slug}_{each.name}", f"{each.label} is needed.")

    def _given(self) -> dict[str, str]:
        """Return the values of the chosen way to sign in, by the names of its fields."""
        slug = self.cleaned_data.get("method", NO_SIGN_IN)
        return {
            each.name: self.cleaned_data.get(f"credential_{slug}_{each.name}", "")
            for method in self.connector.auth_methods
            if method.slug == slug
            for each in method.fields
        }

    def connection(self) -> Connection:
        """Return what was given, for `services.connect`; the form is valid."""
        row, method = self.integration, self.cleaned_data["method"]
        signs_in = method != NO_SIGN_IN
        return Connection(
            provider=self.connector.slug,
            name=row.name if row else self.cleaned_data.get("name", ""),
            base_url=self.cleaned_data["base_url"],
            method=method if signs_in else "",
            credentials=self._given(),
            settings=self.settings,
            unset=[each.name for each in self.declared if each.name not in self.settings],
            signs_in=signs_in,
        )

    def refuse(self, error: UsageError) -> None:
        """Show what a service found wrong, at the field that it names."""
        place = error.field if isinstance(error, FieldError) else ""
        name = f"setting_{place.removeprefix('settings.')}"
        name = name if place.startswith("settings.") else place
        self.add_error(name if name in self.fields else None, _sentence(error))


def _free_name(slug: str) -> str:
    """Return a name that no integration of the tenant has."""
    taken = set(Integration.objects.filter(name__startswith=slug).values_list("name", flat=True))
    return (
        slug
        if slug not in taken
        else next(name for number in count(2) if (name := f"{slug}-{number}") not in taken)
    )


def _sentence(error: UsageError) -> str:
    text = str(error)
    return text[:1].upper() + text[1:]
