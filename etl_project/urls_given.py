"""Addresses of servers as the environment gives them."""

from typing import Final
from urllib.parse import quote, urlsplit, urlunsplit

from django.core.exceptions import ImproperlyConfigured

BROKER_FORMS: Final = {
    "amqp": "amqp://USER:PASSWORD@HOST:PORT/VHOST",
    "amqps": "amqps://USER:PASSWORD@HOST:PORT/VHOST",
}
DATABASE_FORMS: Final = {
    "postgres": "postgres://USER:PASSWORD@HOST:PORT/NAME",
    "postgresql": "postgresql://USER:PASSWORD@HOST:PORT/NAME",
    "sqlite": "sqlite:///PATH",
}


def check_url(variable: str, url: str, forms: dict[str, str]) -> str:
    """Return the address; raise ImproperlyConfigured unless its scheme is that of a form.

    The message does not repeat the address: it may hold a password.
    """
    scheme, separator, _ = url.partition("://")
    if scheme not in forms or not separator:
        raise malformed(variable, forms)
    return url


def malformed(variable: str, forms: dict[str, str]) -> ImproperlyConfigured:
    """Return the error that names the variable and the forms that its address may have."""
    return ImproperlyConfigured(f"{variable} is no address like {' or '.join(forms.values())}")


def with_password(url: str, password: str) -> str:
    """Return the address with this password instead of its own; unchanged if either is empty."""
    if not (url and password):
        return url
    parts = urlsplit(url)
    user_and_password, _, place = parts.netloc.rpartition("@")
    user = user_and_password.partition(":")[0]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{place}"))
