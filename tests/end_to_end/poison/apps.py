"""Lets the Jira provider kill its process, as a fault of a C library does."""

import os
import signal
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from django.apps import AppConfig


class PoisonConfig(AppConfig):
    name = "tests.end_to_end.poison"

    def ready(self) -> None:
        """Replace what splits a page and what reads a record by functions that may die of it."""
        provider = type(import_module("integrations.providers.jira.connector").connector)
        provider.split = _deadly("page", provider.split, lambda arguments: arguments[2])
        provider.normalize = _deadly(
            "record", provider.normalize, lambda arguments: arguments[2].body
        )


def _deadly(
    kind: str, work: Callable[..., Any], body_of: Callable[..., bytes]
) -> Callable[..., Any]:
    def deadly(*arguments: Any, **named: Any) -> Any:
        path = Path(os.environ["POISON_FILE"])
        if path.exists():
            of, _, text = path.read_text().partition(" ")
            if of == kind and text.encode() in body_of(arguments):
                os.kill(os.getpid(), signal.SIGKILL)
        return work(*arguments, **named)

    return deadly
