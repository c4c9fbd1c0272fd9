"""Every value stands in its raw record where its provider says that it does."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from common.jsonplaces import find, value_at
from common.jsontext import strip_nul
from integrations.models import Integration, RawPage
from integrations.origins import origins
from integrations.raw import JSON_LINES, read
from integrations.registry import connector_for
from mappings.models import Status, Wit
from sandbox.generate.world import World
from tenants.scope import every_tenant
from tests.live.running import sync
from tests.live.served import served
from tests.path.working import load
from warehouse.models import Changelog, Project, PullRequest, PullRequestSize, Review, WorkItem

MODELS = (WorkItem, Changelog, Status, Wit, Project, PullRequest, PullRequestSize, Review)
READ_OTHERWISE = {"description", "sprint_source_ids", "history_complete", "body"}
"""Columns whose value is a reading of what stands there, and not what stands there."""


def records() -> Mapping[tuple[int, int], str]:
    """The text of every record by its page and position."""
    return {
        (page.pk, record.position): record.body.decode()
        for page in RawPage.objects.select_related("integration")
        for record in connector_for(page.integration.provider).split(
            page.stream, read(page), is_lines=page.media_type == JSON_LINES
        )
    }


def values(row: Any) -> dict[str, Any]:
    named = {field.attname: getattr(row, field.attname) for field in row._meta.concrete_fields}
    custom = named.get("custom_fields") or {}
    return named | {f"custom_fields.{name}": value for name, value in custom.items()}


def told() -> Iterator[tuple[str, str, Any, str, tuple[str, ...]]]:
    """Table, column and value of all that has a place, with its record's text and the places."""
    texts = records()
    integrations = {row.pk: row for row in Integration.objects.all()}
    for model in MODELS:
        table = model._meta.db_table
        for row in model.objects.all():
            text = texts[row.raw_page_id, row.raw_position]
            named = values(row)
            places = origins(integrations[row.integration_id], table, named)
            for column, paths in places.items():
                if column in named:
                    yield table, column, named[column], text, paths


def same(column: str, loaded: Any, raw: Any) -> bool:
    if raw in (None, "", {}) or loaded is None:
        return loaded in (None, raw)
    if isinstance(loaded, float):
        return float(raw) == loaded
    if isinstance(loaded, datetime):
        return datetime.fromisoformat(str(raw)) == loaded
    if isinstance(loaded, date):
        return str(raw) == loaded.isoformat()
    if column == "labels":
        return list(loaded) == labels(raw)
    if column == "author_login":
        return loaded in (raw, f"{raw}[bot]")
    if column == "state":
        return str(loaded).lower() in (str(raw).lower(), "merged")
    if isinstance(loaded, str):
        return str(raw) == loaded
    return bool(raw == loaded)


def labels(raw: Any) -> list[str]:
    nodes = raw["nodes"] if isinstance(raw, dict) else raw
    return [each if isinstance(each, str) else each["name"] for each in nodes]


def check() -> Counter[tuple[str, str]]:
    """Compare every value with what stands at its place; return how many of each are there."""
    seen: Counter[tuple[str, str]] = Counter()
    for table, column, loaded, text, paths in told():
        place = find(text, paths)
        if place is None or not place.is_whole:
            # What is not there was loaded as nothing, or follows from something else.
            assert loaded in (None, []) or column == "history_complete", (table, column, loaded)
            continue
        if column not in READ_OTHERWISE:
            raw = strip_nul(value_at(text, place))
            assert same(column, loaded, raw), (table, column, loaded, paths)
        seen[table, column] += 1
    return seen


def places_of_nothing(seen: Counter[tuple[str, str]]) -> set[str]:
    """Columns of work items and pull requests that stood nowhere in any record."""
    rows = (WorkItem.objects.first(), PullRequest.objects.first())
    told_of = {
        (row._meta.db_table, column)
        for row in rows
        if row
        for column in origins(row.integration, row._meta.db_table, values(row))
    }
    return {f"{table}.{column}" for table, column in told_of if (table, column) not in seen}


@pytest.mark.django_db(transaction=True)
def test_the_values_of_a_recording_stand_where_their_providers_say(recording: Path) -> None:
    load(recording)
    with every_tenant("the test compares all of it"):
        seen = check()
        assert {table for table, _ in seen} >= {"work_items", "work_item_changelogs", "reviews"}
        assert seen["work_items", "source_status"] == WorkItem.objects.count()
        assert seen["work_item_changelogs", "to_value"] == Changelog.objects.count()
        assert seen["pull_requests", "title"] == PullRequest.objects.count()
        assert places_of_nothing(seen) <= {"work_items.resolved_at", "work_items.story_points"}


@pytest.mark.django_db(transaction=True)
def test_and_so_do_those_of_a_live_sync(settings: Settings) -> None:
    settings.EGRESS_ALLOWED_PRIVATE_CIDRS = (ip_network("127.0.0.0/8"),)
    with served(World(items=120, seed=5, shape="v3")) as source:
        for provider in ("jira", "github"):
            sync(source.connect(provider))
    with every_tenant("the test compares all of it"):
        seen = check()
        assert seen["work_items", "source_status"] == WorkItem.objects.count()
        assert seen["work_item_changelogs", "to_value"] == Changelog.objects.count()
        assert seen["pull_requests", "title"] == PullRequest.objects.count() > 0
        assert seen["reviews", "state"] == Review.objects.count() > 0
