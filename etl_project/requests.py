"""Each request has an id, which its answer, its log lines and its SQL tell, and is logged."""

import logging
import time
from collections.abc import Callable
from typing import Any, Final

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase

from common import tracing
from tenants.permissions import Access

logger = logging.getLogger(__name__)

HEADER: Final = "X-Request-ID"


class TraceMiddleware:
    """Binds the id that the request brings, if it is sane, or a new one; answers with it.

    Stands before all but the probes, so that it sees every answer.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]) -> None:
        self.get_response = get_response
        if iscoroutinefunction(get_response):
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> Any:
        if iscoroutinefunction(self):
            return self._acall(request)
        with tracing.bind(_given(request)):
            began = time.monotonic()
            return _told(request, self.get_response(request), began)

    async def _acall(self, request: HttpRequest) -> HttpResponseBase:
        with tracing.bind(_given(request)):
            began = time.monotonic()
            return _told(request, await self.get_response(request), began)


def _given(request: HttpRequest) -> str:
    return tracing.accepted(request.headers.get(HEADER))


def _told(request: HttpRequest, response: HttpResponseBase, began: float) -> HttpResponseBase:
    """Put the id into the answer and log the request, without its query, which may hold anything.

    Files of ours, which are asked for by the dozen, are logged at debug level.
    """
    response.headers[HEADER] = tracing.current_trace()
    ms = round((time.monotonic() - began) * 1000)
    is_file = request.path.startswith("/static/")
    logger.log(
        logging.DEBUG if is_file else logging.INFO,
        "%s %s %s in %d ms",
        request.method,
        request.path[:200],
        response.status_code,
        ms,
        extra={"status": response.status_code, "ms": ms, **_by_whom(request)},
    )
    return response


def _by_whom(request: HttpRequest) -> dict[str, int]:
    """Return user and tenant by their ids, as far as the request got to know them."""
    access: Access | None = getattr(request, "access", None)
    if access is None:
        return {}
    found = {"user": access.user_id}
    return found | {"tenant": access.current.pk} if access.current else found
