"""Errors that no view answers: pages for people, problem details for programs."""

from typing import Final

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from tenants.api.problems import is_of_api, problem_response

_DETAILS: Final = {
    400: ("invalid", "The request cannot be read."),
    403: ("permission-denied", "You may not do this."),
    500: ("server-error", "A fault of ours: it is in the log under the trace id."),
}


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django refuses before any view."""
    if is_of_api(request):
        return problem_response(400, *_DETAILS[400])
    return defaults.bad_request(request, exception)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what a view outside of the API's base refuses."""
    if is_of_api(request):
        return problem_response(403, *_DETAILS[403])
    return defaults.permission_denied(request, exception)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer a fault of ours."""
    if is_of_api(request):
        return problem_response(500, *_DETAILS[500])
    return defaults.server_error(request)
