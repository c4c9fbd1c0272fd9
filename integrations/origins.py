"""Where the values of loaded rows stand in their records, as each provider declares it."""

from collections.abc import Mapping
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from common.errors import UsageError
from integrations.contract.origins import DeclaresOrigins, Origins
from integrations.models import Integration
from integrations.registry import connector_for
from integrations.settings import read_settings


def origins(integration: Integration, table: str, row: Mapping[str, Any]) -> Origins:
    """Return the places of a row's columns in its record; none where its provider tells none."""
    try:
        connector = connector_for(integration.provider)
        declared = declared_by(type(connector).__module__.rpartition(".")[0])
        settings = read_settings(connector, integration)
    except UsageError:
        return {}
    return declared.origins(table, row, settings) if declared else {}


@cache
def declared_by(package: str) -> DeclaresOrigins | None:
    """Return the module `origins` of a provider's folder, None where it has none."""
    name = f"{package}.origins"
    if find_spec(name) is None:
        return None
    module: Any = import_module(name)
    found: DeclaresOrigins = module
    return found
