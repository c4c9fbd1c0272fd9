"""The raw page: the place that is asked for is marked, and always shown."""

import json
import re
from html import unescape
from typing import Any

import pytest
import zstandard
from django.test import Client

from integrations.models import QuarantinedRecord, RawPage
from tenants.scope import tenant_scope
from tests.admin.world import World

pytestmark = pytest.mark.django_db


@pytest.fixture
def raw(ours: World) -> RawPage:
    row: RawPage = ours.row(RawPage)
    return row


def keep(ours: World, raw: RawPage, issues: list[Any], **more: Any) -> None:
    """Let the page hold these issues."""
    write(ours, raw, json.dumps({"issues": issues}).encode(), **more)


def write(ours: World, raw: RawPage, body: bytes, **more: Any) -> None:
    with tenant_scope(ours.tenant.pk):
        raw.body = zstandard.ZstdCompressor().compress(body)
        raw.body_size = len(body)
        raw.stream, raw.media_type = "issues", "application/json"
        for name, value in more.items():
            setattr(raw, name, value)
        raw.save()
        raw.integration.provider = "jira"
        raw.integration.save()


def shown(client: Client, raw: RawPage, **asked: Any) -> str:
    answer = client.get(f"/admin/integrations/rawpage/{raw.pk}/change/", asked)
    assert answer.status_code == 200
    return answer.content.decode()


def marked(text: str) -> str:
    found = re.findall(r'<mark id="place">(.*?)</mark>', text, re.DOTALL)
    assert len(found) == 1
    return unescape(found[0])


def test_the_field_that_is_asked_for_is_marked(ours: World, raw: RawPage, as_admin: Client) -> None:
    issues = [{"id": "1", "fields": {"status": {"name": name}}} for name in ("Open", "<b>Done</b>")]
    keep(ours, raw, issues)
    assert marked(shown(as_admin, raw, record=0, path="fields.status.name")) == '"name": "Open"'
    text = shown(as_admin, raw, record=1, path="fields.status.name")
    assert marked(text) == '"name": "<b>Done</b>"'
    assert "<b>Done</b>" not in text


def test_of_several_places_the_first_that_is_there_is_marked(
    ours: World, raw: RawPage, as_admin: Client
) -> None:
    keep(ours, raw, [{"id": "1", "fields": {"assignee": {"key": "ann"}}}])
    paths = ["fields.assignee.accountId", "fields.assignee.key", "fields.assignee"]
    assert marked(shown(as_admin, raw, record=0, path=paths)) == '"key": "ann"'


def test_what_is_not_there_is_said_and_its_nearest_is_marked(
    ours: World, raw: RawPage, as_admin: Client
) -> None:
    keep(ours, raw, [{"id": "1", "fields": {"resolution": None}}])
    text = shown(as_admin, raw, record=0, path="fields.resolution.name")
    assert marked(text) == '"resolution": null'
    assert "There is no" in text
    assert "<mark" not in shown(as_admin, raw, record=0, path="nothing.here")


def test_the_marked_place_of_a_large_record_is_shown_and_the_rest_is_cut(
    ours: World, raw: RawPage, as_admin: Client
) -> None:
    histories = [{"id": str(n), "items": [{"toString": f"status {n}"}]} for n in range(20_000)]
    keep(ours, raw, [{"id": "1", "changelog": {"histories": histories}}])
    path = "changelog.histories[id=12345].items[0].toString"
    text = shown(as_admin, raw, record=0, path=path)
    assert marked(text) == '"toString": "status 12345"'
    assert "changelog.histories[12345].items[0].toString" in text
    assert "characters are left out here" in text
    assert len(text) < 150_000


def test_a_marked_value_that_is_itself_large_is_cut(
    ours: World, raw: RawPage, as_admin: Client
) -> None:
    keep(ours, raw, [{"id": "1", "fields": {"summary": "x" * 500_000}}])
    text = shown(as_admin, raw, record=0, path="fields.summary")
    assert 10_000 < len(marked(text)) <= 20_000
    assert "characters of it are left out" in text


def test_of_records_in_one_line_the_one_of_the_id_is_marked(
    ours: World, raw: RawPage, as_admin: Client
) -> None:
    lines = json.dumps({"issues": [{"id": "71", "key": "A-1"}, {"id": "72", "key": "A-2"}]})
    write(ours, raw, lines.encode(), media_type="application/x-ndjson")
    assert marked(shown(as_admin, raw, record=0, of="72", path="key")) == '"key": "A-2"'


@pytest.mark.parametrize(
    "asked",
    [
        {"path": "fields.status"},
        {"record": "٣", "path": "key"},
        {"record": "0", "path": "a" * 600},
        {"record": "0", "path": ["x[["] * 50},
        {"record": "0", "path": "[0=]..\0"},
        {"record": "99999999999", "path": "key"},
        {"record": "7", "path": "key"},
    ],
)
def test_an_address_that_makes_no_sense_marks_nothing(
    ours: World, raw: RawPage, as_admin: Client, asked: dict[str, Any]
) -> None:
    keep(ours, raw, [{"id": "1", "key": "A-1"}])
    assert "<mark" not in shown(as_admin, raw, **asked)


def test_a_record_that_is_no_json_is_shown_as_it_stands(
    ours: World, raw: RawPage, as_admin: Client
) -> None:
    write(ours, raw, b'{"id": "1", "key": }\n', media_type="application/x-ndjson")
    text = shown(as_admin, raw, record=0, path="key")
    assert '{"id": "1", "key": }' in unescape(text)
    assert "<mark" not in text


def test_what_was_left_out_leads_to_its_place(ours: World, raw: RawPage, as_admin: Client) -> None:
    keep(ours, raw, [{"id": "1", "fields": {"labels": ["a", {"b": 1}]}}])
    row = ours.row(QuarantinedRecord)
    with tenant_scope(ours.tenant.pk):
        row.position, row.path = 0, "fields.labels[1]"
        row.save()
    page = as_admin.get(f"/admin/integrations/quarantinedrecord/{row.pk}/change/")
    link = re.search(r'href="([^"]+\?record=0[^"]*)"', page.content.decode())
    assert link is not None
    for url in (unescape(link[1]), f"{address(raw)}?record=0&path=fields.labels%5B1%5D"):
        assert json.loads(marked(as_admin.get(url).content.decode())) == {"b": 1}
    assert "?record=0&amp;path=fields.labels%5B1%5D#place" in shown(as_admin, raw)


def address(page: RawPage) -> str:
    return f"/admin/integrations/rawpage/{page.pk}/change/"
