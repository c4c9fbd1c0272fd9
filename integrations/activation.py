"""Activating and deactivating an integration."""

from integrations.models import Integration


def set_active(integration: Integration, is_active: bool) -> bool:
    """Let an integration be fetched from, or not any more; return whether that is a change.

    What is loaded stays. In the tenant's scope.
    """
    if integration.is_active == is_active:
        return False
    integration.is_active = is_active
    integration.save(update_fields=["is_active", "updated_at"])
    return True
