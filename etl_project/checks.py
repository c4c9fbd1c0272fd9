"""System checks of `manage.py check --deploy`: what may not be so where others rely on it."""

from typing import Any, Final

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register

from common.egress import opens_loopback

LOOPBACK_OPEN: Final = "etl.E001"
PLAIN_HTTP: Final = "etl.W001"
OWN_KEY: Final = "etl.W002"


@register(Tags.security, deploy=True)
def egress_is_closed(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Refuse integrations that may reach this machine's own services; warn of plain http."""
    found: list[CheckMessage] = []
    opened = [str(net) for net in settings.EGRESS_ALLOWED_PRIVATE_CIDRS if opens_loopback(net)]
    if opened:
        found.append(
            Error(
                f"EGRESS_ALLOWED_PRIVATE_CIDRS opens loopback ({', '.join(opened)}): whoever may "
                "name the address of an integration reaches the services of this machine",
                hint="take it out; the demo and the tests name it for themselves",
                id=LOOPBACK_OPEN,
            )
        )
    if settings.ALLOW_HTTP:
        found.append(
            Warning(
                "ALLOW_HTTP is on: credentials are sent to public addresses in the clear",
                hint="turn it off and connect by https://",
                id=PLAIN_HTTP,
            )
        )
    return found


@register(Tags.security, deploy=True)
def credential_keys_are_shared(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Warn if each machine seals credentials by a key of its own, which the others lack."""
    is_sqlite = settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")
    if is_sqlite or settings.CREDENTIAL_KEYS_GIVEN:
        return []
    return [
        Warning(
            "CREDENTIAL_KEYS is not set: credentials are sealed by a key in this machine's VAR_DIR",
            hint="set it for every process: `cat var/credential_key` shows the one in use",
            id=OWN_KEY,
        )
    ]
