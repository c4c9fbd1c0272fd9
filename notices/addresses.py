"""Addresses of webhooks: their path and query may be a secret, so few see more than the host."""

from urllib.parse import parse_qsl, urlsplit

from common.redaction import Redactor


def origin_of(url: str) -> str:
    """Return scheme, host and port of an address: what everybody of the tenant, and logs, see."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def hiding(url: str) -> Redactor:
    """Return what hides the path and the query of an address, and their parts, in an answer."""
    parts = urlsplit(url)
    whole = f"{parts.path}?{parts.query}" if parts.query else parts.path
    values = [value for _, value in parse_qsl(parts.query)]
    return Redactor((whole, parts.path, parts.query, *parts.path.split("/"), *values))


def without_path(text: str, url: str) -> str:
    """Return a text about an address with its origin in its place."""
    for written in (url, url.partition("?")[0], url.partition("?")[0].rstrip("/")):
        text = text.replace(written, origin_of(url))
    return hiding(url).text(text)
