"""Notices by e-mail: plain text, to members of the tenant alone."""

import time
from smtplib import (
    SMTPDataError,
    SMTPException,
    SMTPNotSupportedError,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
)
from typing import Any, Final

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse

from common.redaction import KNOWN
from notices.models import Delivery, Notice
from notices.sending import Outcome
from notices.wording import link_of, one_line, words_of
from tenants.models import Membership, Tenant

_OF_ONE: Final = (
    SMTPRecipientsRefused,
    SMTPSenderRefused,
    SMTPDataError,
    SMTPNotSupportedError,
)
"""What a mail server says of one message; anything else is about the server."""
_WHY: Final = "You get this because you chose it, or because you administer the tenant"


def send(delivery: Delivery, notice: Notice) -> Outcome:
    """Send a notice to a user who is still a member; raise nothing for what comes of it."""
    began = time.monotonic()
    user: Any = delivery.user
    refusal = _refusal(user, notice.tenant_id)
    if refusal:
        return Outcome(False, 0, error=refusal, is_final=True)
    try:
        message_to(user.email, notice, delivery.message_id).send()
    except (SMTPException, OSError) as error:
        told = one_line(f"the mail server did not take it: {type(error).__name__}: {error}")
        return Outcome(
            False,
            _since(began),
            error=KNOWN.redact(told),
            is_way_closed=not isinstance(error, _OF_ONE),
        )
    return Outcome(True, _since(began))


def message_to(address: str, notice: Notice, message_id: str) -> EmailMessage:
    """Return a notice as an e-mail."""
    tenant, words = Tenant.objects.get(pk=notice.tenant_id), words_of(notice)
    lines = [words.title + ".", "", *words.lines]
    if link := link_of(words):
        lines += ["", link]
    lines += ["", f"{_WHY} {one_line(tenant.name)}{_where()}."]
    return EmailMessage(
        subject=one_line(f"[{tenant.name}] {words.title}"),
        body="\n".join(lines) + "\n",
        to=[address],
        headers={"Message-ID": f"<{message_id}@{_host()}>"},
    )


def _refusal(user: Any, tenant_id: int) -> str:
    if not settings.MAIL_IS_ON:
        return "no mail server is set up: an operator names one by EMAIL_URL"
    is_member = Membership.objects.filter(tenant_id=tenant_id, user=user).exists()
    if not (is_member and user.is_active):
        return "they are not a member any more"
    return "" if user.email else "they have no e-mail address"


def _where() -> str:
    if not settings.SITE_URL:
        return ""
    return f"; change it at {settings.SITE_URL}{reverse('admin:my_notices')}"


def _host() -> str:
    return settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip(" >") or "localhost"


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
