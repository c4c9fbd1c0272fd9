"""The base of the pages of rules."""

from django.contrib import messages
from django.db import models
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminTextInputWidget

from tenants.admin import TenantModelAdmin
from tenants.permissions import Capability

CATEGORY_TONES = {
    "to_do": "plain",
    "in_progress": "busy",
    "waiting": "warning",
    "done": "good",
    "discarded": "plain",
}


class MappingAdmin(TenantModelAdmin):
    """Base of the pages of rules. Names are text without limit in the database, yet one line."""

    capability = Capability.EDIT_MAPPINGS
    formfield_overrides = {models.TextField: {"widget": UnfoldAdminTextInputWidget}}

    def say_when(self, request: HttpRequest) -> None:
        """Say from when on a saved rule holds."""
        self.message_user(
            request,
            "The rule holds from the next load of its integration on; "
            "`manage.py retransform` brings one about without fetching.",
            messages.INFO,
        )
