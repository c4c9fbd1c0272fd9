"""An integration's settings, as its provider declares them."""

from typing import Any

import msgspec

from common.errors import UsageError
from integrations.contract import Connector
from integrations.models import Integration


def read_settings(connector: Connector, integration: Integration) -> Any:
    """Return the settings as the provider's struct; raise UsageError.

    Text becomes what the struct declares, such as the number of `page_size=50`.
    """
    try:
        return msgspec.convert(integration.settings, connector.settings_type, strict=False)
    except msgspec.ValidationError as error:
        raise UsageError(f"settings of integration {integration.name}: {error}") from None
