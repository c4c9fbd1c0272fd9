"""An app that gives worker processes handlers of the tests' own."""

from importlib import import_module

from django.apps import AppConfig


class WorkerAppConfig(AppConfig):
    name = "tests.jobs.worker_app"

    def ready(self) -> None:
        """Register the handlers."""
        handlers = import_module("tests.jobs.worker_app.handlers")
        registry = import_module("jobs.steps").HANDLERS
        registry.update(transform=handlers.leave_an_effect, index=handlers.take_long)
