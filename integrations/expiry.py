"""When credentials expire, as the source tells it with its answers."""

from datetime import UTC, datetime
from typing import Final

from common.http import Site
from integrations.models import Integration

_FORMS: Final = ("%Y-%m-%d %H:%M:%S UTC", "%Y-%m-%d %H:%M:%S %z")


def note_expiry(integration: Integration, site: Site) -> None:
    """Keep when the credentials of an integration expire, if the site has told it and it is new.

    Unless they were changed meanwhile: then it says nothing about them. In the tenant's scope.
    """
    expires_at = parse_expiry(site.seen)
    if expires_at is None or expires_at == integration.credentials_expire_at:
        return
    same = Integration.objects.filter(pk=integration.pk, credentials=integration.credentials)
    same.update(credentials_expire_at=expires_at)
    integration.credentials_expire_at = expires_at


def parse_expiry(text: str) -> datetime | None:
    """Return the instant that such a header tells; None for anything else."""
    for form in _FORMS:
        try:
            found = datetime.strptime(text.strip(), form)  # noqa: DTZ007 - UTC where it says so
        except ValueError:
            continue
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    return None
