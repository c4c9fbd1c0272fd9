"""Addresses of servers as the environment gives them."""

from typing import Any, Final
from urllib.parse import quote, urlsplit, urlunsplit

from django.core.exceptions import ImproperlyConfigured
from environ import Env
from redis.backoff import NoBackoff
from redis.retry import Retry

BROKER_FORMS: Final = {
    "amqp": "amqp://USER:PASSWORD@HOST:PORT/VHOST",
    "amqps": "amqps://USER:PASSWORD@HOST:PORT/VHOST",
}
DATABASE_FORMS: Final = {
    "postgres": "postgres://USER:PASSWORD@HOST:PORT/NAME",
    "postgresql": "postgresql://USER:PASSWORD@HOST:PORT/NAME",
    "sqlite": "sqlite:///PATH",
}

MAIL_FORMS: Final = {
    "smtp": "smtp://USER:PASSWORD@HOST:PORT",
    "smtp+tls": "smtp+tls://USER:PASSWORD@HOST:PORT",
    "smtp+ssl": "smtp+ssl://USER:PASSWORD@HOST:PORT",
    "consolemail": "consolemail://",
}
REDIS_FORMS: Final = {
    "redis": "redis://HOST:PORT/NUMBER",
    "rediss": "rediss://HOST:PORT/NUMBER",
}


def caches(url: str, prefix: str) -> dict[str, Any]:
    """Return the caches: in Redis at this address, or in each process's memory without one."""
    if not url:
        memory = "django.core.cache.backends.locmem.LocMemCache"
        return {"default": {"BACKEND": memory, "OPTIONS": {"MAX_ENTRIES": 20_000}}}
    return {
        "default": {
            "BACKEND": "etl_project.cache.SpareRedisCache",
            "LOCATION": url,
            "KEY_PREFIX": prefix,
            "OPTIONS": {
                "socket_timeout": 1,
                "socket_connect_timeout": 1,
                "retry": Retry(NoBackoff(), 0),
            },
        }
    }


def mail(url: str) -> dict[str, Any]:
    """Return Django's settings of the mail server at this address; without one nothing is sent."""
    if not url:
        return {"EMAIL_BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    found: dict[str, Any] = Env.email_url_config(check_url("EMAIL_URL", url, MAIL_FORMS))
    return {name: value for name, value in found.items() if value is not None}


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
