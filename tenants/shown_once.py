"""What a page shows once and nothing keeps: the link of an invitation, a token, a secret.

Between the request that makes it and the page that shows it, it lies in the session, sealed.
"""

from contextlib import suppress
from typing import Any, Final

from django.conf import settings
from django.db.models import Model
from django.http import HttpRequest
from django.template.response import TemplateResponse

from common.errors import PermanentError
from common.secrets import SecretBox

_KEY: Final = "shown_once"


def keep(request: HttpRequest, row: Model, text: str) -> None:
    """Keep the text that was made with a row, until it is shown; one at a time."""
    sealed = SecretBox(settings.CREDENTIAL_KEYS).seal({"text": text}, _context(row))
    request.session[_KEY] = [_context(row), sealed]


def take(request: HttpRequest, row: Model) -> str:
    """Return the text that was kept with a row and forget it; empty if there is none."""
    kept = request.session.get(_KEY)
    if kept is None or kept[0] != _context(row):
        return ""
    del request.session[_KEY]
    with suppress(PermanentError):  # the keys were changed in between
        return SecretBox(settings.CREDENTIAL_KEYS).unseal(kept[1], _context(row))["text"]
    return ""


def page(
    admin: Any, request: HttpRequest, template: str, title: str, **context: Any
) -> TemplateResponse:
    """Return a page of a model admin that no browser keeps."""
    shown = {**admin.admin_site.each_context(request), "opts": admin.opts, "title": title}
    request.current_app = admin.admin_site.name
    response = TemplateResponse(request, template, {**shown, **context})
    response["Cache-Control"] = "no-store"
    return response


def _context(row: Model) -> str:
    return f"{row._meta.label_lower} {row.pk}"
