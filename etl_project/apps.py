from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class EtlProjectConfig(AppConfig):
    name = "etl_project"

    def ready(self) -> None:
        """Register the system checks, let SQL tell its trace, set the broker up, then import the
        actors, which bind to it, and say who computes the effects of edited rules."""
        from etl_project import broker, rooms, statements

        statements.install()
        import_module("etl_project.checks")
        broker.setup()
        rooms.introduce()
        import_module("jobs.actors")
        import_module("etl_project.effects").install()


class EtlAdminConfig(AdminConfig):
    """The admin with our own site as its default, so that rooms register on it as usual."""

    default_site = "etl_project.admin_site.EtlAdminSite"
