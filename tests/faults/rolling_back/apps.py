"""An app whose processes note every attempt to complete a step, and roll some of them back."""

from importlib import import_module

from django.apps import AppConfig


class RollingBackConfig(AppConfig):
    name = "tests.faults.rolling_back"

    def ready(self) -> None:
        """Wrap `queue.complete` before the actors import it; this app is the first."""
        import_module("tests.faults.rolling_back.effects").install()
