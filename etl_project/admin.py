"""The admin of tenants, which puts a tenant and what it begins with together."""

from importlib import import_module
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

from etl_project.new_tenants import begin
from tenants.admin import OperatorModelAdmin
from tenants.forms import TimeZoneField
from tenants.models import Tenant

for _name in ("people", "account_admin", "api_token_admin"):
    import_module(f"tenants.{_name}")  # registers the admin of people


@admin.register(Tenant)
class TenantAdmin(OperatorModelAdmin):
    """Tenants; a new one begins with a hierarchy and a workflow.

    Deleting one would leave its loaded rows behind, so it is made inactive instead.
    """

    can_delete_rows = False
    list_display = ("name", "slug", "tier", "time_zone", "is_active", "created_at")
    list_filter = ("tier", "is_active")
    search_fields = ("name", "slug")
    prepopulated_fields = {"slug": ("name",)}
    empty_text = "Each is an organisation whose data nobody else may see."

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "time_zone":
            return TimeZoneField(initial="UTC", help_text="Schedules and charts go by it.")
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_prepopulated_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return super().get_prepopulated_fields(request, obj) if obj is None else {}

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return () if obj is None else ("slug", "created_at")

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        begin(obj)
