"""docker-compose.yml as Compose reads it: merged, interpolated."""

import os
import re
from collections.abc import Mapping
from typing import Any, Final

from ruamel.yaml import YAML

from tests.conftest import ROOT

FILE: Final = ROOT / "docker-compose.yml"
VARIABLE: Final = re.compile(r"\$(?:\$|\{([A-Z_]+):-([^}]*)\})")
OURS: Final = ("migrate", "web", "worker-extract", "worker-transform", "worker-load", "scheduler")
THEIRS: Final = ("postgres", "rabbitmq", "redis", "qdrant")


def as_written() -> dict[str, Any]:
    """The whole file, before interpolation."""
    found: dict[str, Any] = YAML(typ="safe").load(FILE)
    return found


def services(given: Mapping[str, str] | None = None) -> dict[str, dict[str, Any]]:
    """The services by name. given: what interpolation takes; nothing unless told."""
    found: dict[str, dict[str, Any]] = interpolated(as_written()["services"], given or {})
    return found


def interpolated(value: Any, given: Mapping[str, str]) -> Any:
    """Put values for ${NAME:-default}, and $ for $$, everywhere."""
    if isinstance(value, dict):
        return {name: interpolated(each, given) for name, each in value.items()}
    if isinstance(value, list):
        return [interpolated(each, given) for each in value]
    if isinstance(value, str):
        return VARIABLE.sub(lambda m: (given.get(m[1]) or m[2]) if m[1] else "$", value)
    return value


def interpolations() -> set[str]:
    """The variables that the file takes from whoever runs it."""
    return {name for name, _ in VARIABLE.findall(FILE.read_text()) if name}


def health_command(service: Mapping[str, Any]) -> list[str]:
    """What Docker would execute to ask for the service's health."""
    kind, *rest = service["healthcheck"]["test"]
    if kind == "CMD-SHELL":
        return ["/bin/sh", "-c", *rest]
    assert kind == "CMD"
    return [str(each) for each in rest]


def clean_environment() -> dict[str, str]:
    """What a container has before anything is given to it, and the way to our Python."""
    venv = str(ROOT / ".venv" / "bin")
    return {"PATH": f"{venv}:{os.environ['PATH']}:/usr/sbin", "HOME": "/tmp"}
