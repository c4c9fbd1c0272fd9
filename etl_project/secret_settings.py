"""Which of the settings' values are secrets."""

from urllib.parse import unquote, urlsplit

from django.conf import settings


def configured_secrets() -> set[str]:
    """Return the passwords in the settings, but for those that are no secret: user:user."""
    found = {settings.SECRET_KEY, *settings.CREDENTIAL_KEYS}
    database = settings.DATABASES["default"]
    if database.get("PASSWORD") != database.get("USER"):
        found.add(database.get("PASSWORD", ""))
    for url in (
        settings.BROKER_URL,
        settings.CHANNEL_LAYER_URL,
        settings.CACHE_URL,
        settings.QDRANT_URL,
        settings.EMAIL_URL,
    ):
        parts = urlsplit(url)
        if parts.password and parts.password != parts.username:
            found |= {parts.password, unquote(parts.password)}
    return {str(secret) for secret in found if secret}
