"""Raw pages: stored before anything is parsed, read back exactly."""

from dataclasses import dataclass
from datetime import datetime

import zstandard
from django.db.models.functions import Greatest

from common.digest import content_digest
from integrations.models import Integration, RawPage

JSON_LINES = "application/x-ndjson"
JSON = "application/json"


@dataclass(frozen=True)
class Response:
    """A response as received. body: the bytes after content-decoding."""

    method: str
    url: str
    body: bytes
    media_type: str
    fetched_at: datetime
    status: int = 200
    request_body: str = ""


def store(
    integration: Integration,
    stream: str,
    response: Response,
    run_id: int | None,
    *,
    is_data: bool = True,
) -> RawPage:
    """Store a response and return its page.

    The same body from the same request again is the same page, seen later.
    """
    request = f"{response.method} {response.url}"
    if response.request_body:
        request += f" {response.request_body}"
    key = {
        "tenant_id": integration.tenant_id,
        "integration": integration,
        "stream": stream,
        "url_digest": content_digest(request.encode()),
        "body_digest": content_digest(response.body),
    }
    page: RawPage
    page, created = RawPage.objects.get_or_create(
        **key,
        defaults={
            "run_id": run_id,
            "method": response.method,
            "url": response.url,
            "request_body": response.request_body,
            "status": response.status,
            "media_type": response.media_type,
            "body": zstandard.ZstdCompressor(level=3).compress(response.body),
            "body_size": len(response.body),
            "fetched_at": response.fetched_at,
            "is_data": is_data,
        },
    )
    if not created and page.fetched_at < response.fetched_at:
        RawPage.objects.filter(pk=page.pk).update(
            fetched_at=Greatest("fetched_at", response.fetched_at)
        )
        page.refresh_from_db(fields=["fetched_at"])
    return page


def read(page: RawPage) -> bytes:
    """Return the body of a page exactly as it was received."""
    return zstandard.ZstdDecompressor().decompress(bytes(page.body), max_output_size=page.body_size)
