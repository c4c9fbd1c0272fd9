"""Asking the pages of the inbox."""

import html
import re
from typing import Any

from django.test import Client
from django.urls import reverse

from mappings.models import (
    WitHierarchy,
    WorkflowStep,
)
from tests.mappings.inbox_world import Imported

PAGE = "admin:mappings_inbox"


def entered(imported: Imported, role: str) -> Client:
    client = Client()
    client.force_login(imported.people[role])
    return client


def text_of(client: Client, **query: Any) -> str:
    page = client.get(reverse(PAGE), query)
    assert page.status_code == 200
    return html.unescape(page.content.decode())


def row(imported: Imported, name: str, **values: Any) -> dict[str, Any]:
    """What the form of a row posts, accepted as it is suggested but for `values`."""
    key = imported.entries()[name].key
    with imported.scope():
        level = WitHierarchy.objects.get(level=0)
        step = WorkflowStep.objects.get(name="Done")
    place = f"level:{level.pk}" if name.startswith("type") else f"step:{step.pk}"
    target = name.split(" ", 1)[1]
    return {"key": key, "target": target, "place": place, "scope": "integration"} | values


def told(client: Client) -> str:
    """The messages that the next page shows."""
    page = html.unescape(client.get(reverse(PAGE)).content.decode())
    found = re.findall(r'etl-toast-text">(.*?)</span>', page, re.DOTALL)
    return " ".join(" ".join(found).split())
