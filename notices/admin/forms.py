"""Forms of webhooks and of one's own e-mails."""

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminTextInputWidget,
)

from common.errors import UsageError
from integrations.errors import FieldError
from integrations.models import Integration
from notices import endpoints
from notices.events import CHOSEN
from notices.models import Endpoint
from tenants.admin import TenantForm

_FIELDS = {"integrations": "integration_ids"}


class EndpointForm(TenantForm):
    """Where to, what, and whose."""

    url = forms.CharField(
        label="Address",
        max_length=500,
        widget=UnfoldAdminTextInputWidget(
            attrs={"placeholder": "https://hooks.example.com/etl", "spellcheck": "false"}
        ),
        help_text="Notices are posted there as JSON. Redirects are not followed.",
    )
    events = forms.MultipleChoiceField(
        label="Send when",
        choices=CHOSEN,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        error_messages={"required": "Choose at least one event."},
    )
    integration_ids = forms.TypedMultipleChoiceField(
        label="Of these integrations",
        coerce=int,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="Choose none for all of them, those to come, too.",
    )

    class Meta:
        model = Endpoint
        fields = ("name", "url", "events", "integration_ids", "is_active")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields.get("integration_ids")
        if field is not None:  # of a page that is only read there are no fields
            rows = Integration.objects.filter(tenant_id=self.instance.tenant_id)
            there = [(row.pk, row.name) for row in rows.order_by("name")]
            gone = set(self.instance.integration_ids) - {key for key, _ in there}
            field.choices = [*there, *((key, f"{key} (removed)") for key in sorted(gone))]

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        if self.errors:
            return cleaned
        try:
            if self.instance.pk is None:
                endpoints.check_room()
            found = endpoints.checked(endpoints.Values(**cleaned), self.instance)
        except FieldError as error:
            self.add_error(_FIELDS.get(error.field, error.field), str(error))
            return cleaned
        except UsageError as error:
            raise ValidationError(str(error)) from None
        return cleaned | {"name": found.name, "url": found.url}


class SubscriptionForm(forms.Form):
    """What one is told by e-mail."""

    events = forms.MultipleChoiceField(
        label="Write to me when",
        choices=CHOSEN,
        required=False,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )
