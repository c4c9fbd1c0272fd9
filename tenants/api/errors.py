"""Turns what views raise into problem details."""

import logging
from collections.abc import Iterator
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import OperationalError
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler, set_rollback

from common.errors import UsageError
from tenants.api.problems import CONTENT_TYPE, Problem, ProblemError, body_of

logger = logging.getLogger(__name__)


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Answer an exception of a view; None, to be raised on, for a fault of ours."""
    if isinstance(error, RequestDataTooBig):
        error = Problem(413, "too-large", "The body is too large.")
    elif isinstance(error, UsageError):
        error = Problem(409, "conflict", str(error))
    elif isinstance(error, OperationalError):
        logger.exception("the database did not answer a request", exc_info=error)
        error = Problem(
            503,
            "unavailable",
            "The database does not answer at the moment: ask again.",
            headers={"Retry-After": "5"},
        )
    elif isinstance(error, RecursionError):
        error = Problem(400, "invalid", "The body is nested too deeply.")
    response = exception_handler(error, context)
    if response is None:
        return None
    set_rollback()
    status = response.status_code
    response.data = body_of(status, *_told(error))
    if isinstance(error, Problem):
        for name, value in error.headers.items():
            response.headers[name] = value
    response.content_type = CONTENT_TYPE
    return response


def _told(error: Exception) -> tuple[str, str, list[ProblemError]]:
    """Return kind, detail and errors."""
    if isinstance(error, Problem):
        return error.kind, str(error.detail), error.errors
    if isinstance(error, exceptions.ValidationError):
        errors = list(flattened(error.get_full_details(), ""))
        first = errors[0] if errors else ProblemError(detail="The request is not valid.")
        where = first.get("pointer", "").strip("/").replace("/", ".")
        detail = f"{where}: {first['detail']}" if where else first["detail"]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return "invalid", detail + more, errors
    if isinstance(error, Http404 | exceptions.NotFound):
        return "not-found", "There is no such thing here.", []
    if isinstance(error, PermissionDenied):
        return "permission-denied", "You may not do this.", []
    if isinstance(error, exceptions.APIException):
        code = str(error.get_codes()) if isinstance(error.get_codes(), str) else "error"
        return code.replace("_", "-"), str(error.detail), []
    return "error", "The request cannot be answered.", []


def flattened(details: Any, pointer: str) -> Iterator[ProblemError]:
    """Yield the errors of a serializer with the place in the body of each."""
    if isinstance(details, dict) and {"message", "code"} == set(details):
        yield {
            "pointer": pointer or "/",
            "detail": str(details["message"]),
            "code": str(details["code"]),
        }
    elif isinstance(details, dict):
        for name, inner in details.items():
            own = pointer if name == "non_field_errors" else f"{pointer}/{_escaped(str(name))}"
            yield from flattened(inner, own)
    elif isinstance(details, list):
        is_of_rows = any(isinstance(each, dict) and "message" not in each for each in details)
        for number, inner in enumerate(details):
            yield from flattened(inner, f"{pointer}/{number}" if is_of_rows else pointer)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
