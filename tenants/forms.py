"""Forms of the pages about people and tenants, and what they have in common."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.files.uploadedfile import UploadedFile
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
)

from common.errors import UsageError
from common.images import MAX_BYTES, small_png
from tenants.models import Preferences, Tenant, Theme
from tenants.preferences import PAGE_SIZES, no_such_zone, zone_choices, zone_named

if TYPE_CHECKING:
    PreferencesModelForm = forms.ModelForm[Preferences]
    TenantModelForm = forms.ModelForm[Tenant]
else:
    PreferencesModelForm = TenantModelForm = forms.ModelForm


class TimeZoneWidget(UnfoldAdminTextInputWidget):  # type: ignore[misc]
    """A text field that offers every time zone while one types."""

    template_name = "tenants/time_zone_widget.html"

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        context: dict[str, Any] = super().get_context(name, value, attrs)
        zones = f"{context['widget']['attrs'].get('id', name)}_zones"
        context["widget"]["attrs"]["list"] = zones
        context["zones"] = {"id": zones, "choices": zone_choices()}
        return context


class TimeZoneField(forms.CharField):
    """The name of a time zone, as of the IANA database."""

    def __init__(self, **kwargs: Any) -> None:
        attrs = {"autocomplete": "off", "spellcheck": "false"}
        super().__init__(**{"max_length": 64, "widget": TimeZoneWidget(attrs=attrs), **kwargs})

    def clean(self, value: Any) -> str:
        name: str = super().clean(value)
        found = zone_named(name) if name else ""
        if found is None:
            raise ValidationError(no_such_zone(name))
        return found


class LogoField(forms.FileField):
    """A picture, which becomes a small PNG; its name and stated type are not looked at.

    Cleans to the bytes of the PNG, or None if no file was chosen.
    """

    widget = forms.FileInput(
        attrs={"accept": "image/png,image/jpeg,image/webp,image/gif", "class": "etl-file"}
    )
    default_error_messages = {
        "empty": "The file is empty. Choose a PNG, JPEG, WebP or GIF picture."
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            **{
                "required": False,
                "help_text": "PNG, JPEG, WebP or GIF of at most "
                f"{MAX_BYTES // 1_048_576} MB. It is made at most 256 pixels wide.",
                **kwargs,
            }
        )

    def clean(self, data: Any, initial: Any = None) -> bytes | None:
        upload = super().clean(data, initial)
        if not isinstance(upload, UploadedFile):
            return None
        try:
            # One byte more than may be: enough to know that it is too large.
            return small_png(upload.read(MAX_BYTES + 1))
        except UsageError as error:
            raise ValidationError(str(error)) from None


class PreferencesForm(PreferencesModelForm):
    """How the user likes to see things. tenants: those that may be the first after login."""

    theme = forms.ChoiceField(choices=Theme.choices, widget=UnfoldAdminSelectWidget)
    high_contrast = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Darker text and lines on plain backgrounds.",
    )
    reduced_motion = forms.BooleanField(
        required=False,
        widget=UnfoldBooleanSwitchWidget,
        help_text="Nothing slides or fades, whatever the device prefers.",
    )
    time_zone = TimeZoneField(
        required=False,
        help_text="Type a city or region. Empty: the time zone of the tenant.",
    )
    page_size = forms.TypedChoiceField(
        label="Rows on a page",
        choices=[(size, str(size)) for size in PAGE_SIZES],
        coerce=int,
        widget=UnfoldAdminSelectWidget,
    )
    default_tenant = forms.TypedChoiceField(
        required=False,
        label="Tenant after login",
        empty_value=None,
        widget=UnfoldAdminSelectWidget,
    )

    class Meta:
        model = Preferences
        fields = ("theme", "high_contrast", "reduced_motion", "time_zone", "page_size")

    def __init__(self, *args: Any, tenants: tuple[Tenant, ...], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        by_id = {str(tenant.pk): tenant for tenant in tenants}
        choice: Any = self.fields["default_tenant"]
        choice.choices = [("", "The first by name"), *((pk, t.name) for pk, t in by_id.items())]
        choice.coerce = by_id.__getitem__
        self.initial["default_tenant"] = self.instance.default_tenant_id or ""
        if len(tenants) < 2:
            del self.fields["default_tenant"]

    def save(self, commit: bool = True) -> Preferences:
        if "default_tenant" in self.cleaned_data:
            self.instance.default_tenant = self.cleaned_data["default_tenant"]
        return super().save(commit)


class TenantSettingsForm(TenantModelForm):
    """What an administrator may change of their own tenant."""

    name = forms.CharField(max_length=200, widget=UnfoldAdminTextInputWidget)
    time_zone = TimeZoneField(
        help_text="Schedules and charts go by it, and times are shown in it to whoever chose none."
    )
    logo = LogoField()
    remove_logo = forms.BooleanField(required=False, widget=UnfoldBooleanSwitchWidget)

    class Meta:
        model = Tenant
        fields = ("name", "time_zone")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if not self.instance.logo_digest:
            del self.fields["remove_logo"]
