"""Every error of the API as problem details (RFC 9457)."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, Final, TypedDict

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions

from common.tracing import current_trace

CONTENT_TYPE: Final = "application/problem+json"
BASE: Final = "/api/docs/problems/#"
"""Where the types of problems are told; see `problem_kinds`."""


class ProblemError(TypedDict, total=False):
    """One of several things that are wrong. pointer: a JSON pointer into the body."""

    detail: str
    code: str
    pointer: str
    parameter: str


class Problem(exceptions.APIException):
    """An error that a caller can do something about.

    kind: the last part of its type; errors: what is wrong where.
    """

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        errors: Sequence[ProblemError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail, code=kind)
        self.status_code = status
        self.kind = kind
        self.errors = list(errors)
        self.headers = dict(headers or {})


def bad_parameter(name: str, detail: str, code: str = "invalid") -> Problem:
    """Return the problem of one query parameter."""
    return Problem(
        400,
        "invalid",
        f"{name}: {detail}",
        [{"parameter": name, "detail": detail, "code": code}],
    )


def body_of(
    status: int, kind: str, detail: str, errors: Sequence[ProblemError] = ()
) -> dict[str, Any]:
    """Return problem details."""
    body: dict[str, Any] = {
        "type": f"{BASE}{kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "trace_id": current_trace(),
    }
    if errors:
        body["errors"] = list(errors)
    return body


def problem_response(status: int, kind: str, detail: str) -> HttpResponse:
    """Return an answer where no view of the API could."""
    return JsonResponse(body_of(status, kind, detail), status=status, content_type=CONTENT_TYPE)


@csrf_exempt
def not_found(request: HttpRequest) -> HttpResponse:
    """Answer an address of the API that is none."""
    return problem_response(404, "not-found", "There is no such thing here.")


def is_of_api(request: HttpRequest) -> bool:
    """Whether the request is for the API, so that its errors are problem details."""
    return request.path.startswith("/api/")
