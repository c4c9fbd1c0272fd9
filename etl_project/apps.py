from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig


class EtlProjectConfig(AppConfig):
    name = "etl_project"

    def ready(self) -> None:
        """Register the system checks, let SQL tell its trace, set the broker up, then import the
        actors, which bind to it."""
        from etl_project import broker, statements

        statements.install()
        import_module("etl_project.checks")
        broker.setup()
        import_module("jobs.actors")


class EtlAdminConfig(AdminConfig):
    """The admin with our own site as its default, so that rooms register on it as usual."""

    default_site = "etl_project.admin_site.EtlAdminSite"
