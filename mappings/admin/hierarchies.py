"""Levels of the tenant's hierarchy."""

from django.contrib import admin

from mappings.admin.base import MappingAdmin
from mappings.models import WitHierarchy


@admin.register(WitHierarchy)
class WitHierarchyAdmin(MappingAdmin):
    """Levels of the tenant's hierarchy."""

    list_display = ("name", "level")
    ordering = ("-level",)
