"""The schema of the API as the repository holds it, and what shows it."""

import hashlib
from functools import cache
from pathlib import Path
from typing import Any, Final

import msgspec
from django.conf import settings
from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response, patch_vary_headers
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from django.views.generic import View

from tenants.api.problems import problem_response

_TYPES: Final = (
    "application/vnd.oai.openapi",
    "application/yaml",
    "application/vnd.oai.openapi+json",
    "application/json",
)
_REDOC: Final = "drf_spectacular_sidecar/redoc/bundles/redoc.standalone.js"
_LOGO: Final = b"https://cdn.redoc.ly/redoc/logo-mini.svg"
_NO_LOGO: Final = b"data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg'/%3E"


@cache
def schema_as(form: str) -> bytes:
    """Return the schema as `yaml` or `json`; it is read once in a process, when it is asked for.

    To make it of the views takes seconds. That the file is what they say is held by a test.
    """
    text: bytes = (settings.BASE_DIR / "docs" / "openapi.yaml").read_bytes()
    return text if form == "yaml" else msgspec.json.encode(msgspec.yaml.decode(text))


@cache
def redoc_script() -> bytes:
    """Return the script of Redoc without the picture that it has from another site."""
    return Path(str(finders.find(_REDOC))).read_bytes().replace(_LOGO, _NO_LOGO)


@method_decorator(csrf_exempt, name="dispatch")
class KeptView(View):
    """Answers with what stays the same as long as the process runs; 304 for whoever has it."""

    def kept(self, request: HttpRequest) -> HttpResponse:
        """Return the whole answer."""
        raise NotImplementedError

    def get(self, request: HttpRequest) -> HttpResponse:
        answer = self.kept(request)
        tag = f'"{hashlib.sha256(answer.content).hexdigest()[:24]}"'
        answer.headers["ETag"] = tag
        answer.headers["Cache-Control"] = "no-cache"
        return get_conditional_response(request, tag, None, answer) or answer

    def http_method_not_allowed(
        self, request: HttpRequest, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        answer = problem_response(
            405, "method-not-allowed", f'Method "{request.method}" not allowed.'
        )
        answer.headers["Allow"] = "GET, HEAD, OPTIONS"
        return answer


class SchemaView(KeptView):
    """The schema as JSON or YAML, by `Accept` or by `?format=`."""

    def kept(self, request: HttpRequest) -> HttpResponse:
        asked = request.GET.get("format")
        if asked in ("json", "yaml"):
            media_type = f"application/{asked}"
        else:
            media_type = request.get_preferred_type(_TYPES) or _TYPES[0]
        form = "json" if "json" in media_type else "yaml"
        answer = HttpResponse(schema_as(form), content_type=media_type)
        answer.headers["Content-Disposition"] = f'inline; filename="openapi.{form}"'
        patch_vary_headers(answer, ("Accept",))
        return answer


class RedocScriptView(KeptView):
    """What draws the page of Redoc."""

    def kept(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(redoc_script(), content_type="text/javascript; charset=utf-8")
