"""Hostile values inside of pages that are else as they should be: one record is set aside or put
right, the rest is loaded, and nothing crashes or goes round.

The numbers are those of the rows of the list of bad inputs (JSON).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest

from integrations.models import QuarantinedRecord
from jobs.models import JobRun
from tenants.scope import every_tenant
from tests.live.comparing import differences
from tests.live.running import sync, told
from tests.live.served import Served
from tests.live.striking import (
    SMALL_PAGES,
    TABLES,
    loaded,
    requests_of,
    small_world,
)

pytestmark = pytest.mark.django_db(transaction=True)

LIST = {
    "jira": ["issues"],
    "github": ["data", "node", "pullRequests", "nodes"],
}
ID_NAME = {"jira": "id", "github": "fullDatabaseId"}
# Where in an item, by provider.
TITLE = {"jira": ["fields", "summary"], "github": ["title"]}
EXTRA = {"jira": ["fields", "customfield_1"], "github": ["extra"]}
NUMBER = {"jira": ["fields", "customfield_10026"], "github": ["additions"]}
ID = {"jira": ["id"], "github": ["fullDatabaseId"]}
INSIDE = {"jira": ["fields"], "github": ["updatedAt"]}
WHOLE: dict[str, list[str]] = {"jira": [], "github": []}
DEEP = 100_000
LARGE_ID = "9223372036854775808"
MOST_REQUESTS = 60
"""Twice as many as without a hostile value."""


@dataclass(frozen=True)
class Hostile:
    """A text in place of a value of one item, wherever that item is given.

    outcome: `fine`: the item is loaded; `note`: with the text put right, which is noted;
    `record`: it is set aside; `any`: it is not loaded.
    """

    row: str
    place: dict[str, list[str]]
    text: str
    outcome: Literal["note", "record", "any", "fine"]
    encoding: str = "utf-8"


ROWS = [
    Hostile("42 NUL in a value", TITLE, r'"be\u0000fore"', "note"),
    Hostile("43 NUL in a key", TITLE, r'"a title", "na\u0000me": 1', "note"),
    Hostile("44 a lone surrogate", TITLE, r'"half \ud83d"', "fine"),
    Hostile("45 NaN", TITLE, "NaN", "record"),
    Hostile("46 1e999", NUMBER, "1e999", "record"),
    Hostile("47 a number of 5,000 digits", NUMBER, "7" * 5_000, "record"),
    Hostile("48 a nesting of 100,000", EXTRA, "[" * DEEP + "]" * DEEP, "record"),
    Hostile("49 a key that is repeated", TITLE, '"first", "{}": "last"', "fine"),
    Hostile("51 an id of 12 KB", ID, '"' + "9" * 12_000 + '"', "record"),
    Hostile("52 a text of 100,000", TITLE, '"' + "x" * 100_000 + '"', "fine"),
    Hostile("53 an id of 2^63", ID, LARGE_ID, "any"),
    Hostile("54 an array in place of an object", INSIDE, "[1, 2]", "record"),
    Hostile("55 null in place of an item", WHOLE, "null", "any"),
    Hostile("55 a number in place of an item", WHOLE, "17", "any"),
    Hostile("56 bytes that are not UTF-8", TITLE, '"café"', "record", "latin-1"),
    Hostile("69 a text of markup", TITLE, '"<script>alert(1)</script>"', "fine"),
]
ALWAYS = {"jira": ("43", "48", "53", "56"), "github": ("42", "47", "51", "54", "55")}
"""Rows of the list; the pages of the others are also read, apart, by the tests of the providers."""
CASES = [
    pytest.param(
        provider,
        hostile,
        id=f"{provider}: {hostile.row}",
        marks=() if hostile.row[:2] in ALWAYS[provider] else pytest.mark.thorough,
    )
    for hostile in ROWS
    for provider in ("jira", "github")
]


@pytest.fixture(scope="module")
def worlds() -> Iterator[dict[str, Served]]:
    """A sandbox for each provider; nothing in it changes."""
    with small_world("jira") as jira, small_world("github") as github:
        yield {"jira": jira, "github": github}


@pytest.fixture
def source(worlds: dict[str, Served], provider: str) -> Iterator[Served]:
    """The provider's sandbox, well."""
    found = worlds[provider]
    found.heal()
    found.forget_requests()
    yield found
    found.heal()


@pytest.mark.parametrize(("provider", "hostile"), CASES)
def test_a_hostile_value_costs_its_item_at_most(
    source: Served, provider: str, hostile: Hostile
) -> None:
    integration = source.connect(provider, settings=SMALL_PAGES[provider])
    truth = {row["source_id"]: row for row in source.rows(TABLES[provider])}
    victim = sorted(truth)[len(truth) // 2]
    path = [*LIST[provider], {ID_NAME[provider]: victim}, *hostile.place[provider]]
    text = hostile.text.replace("{}", TITLE[provider][-1])
    value = {"path": path, "text": text, "encoding": hostile.encoding}
    source.fault("splice", "", value=value, times=None)
    run = sync(integration)
    assert len(requests_of(source)) < MOST_REQUESTS
    titles = {source_id: row["title"] for source_id, row in loaded(provider).items()}
    is_loaded = titles.pop(victim, None) is not None
    titles.pop(LARGE_ID, None)  # where an id is text, it is one like any other
    assert titles == {i: row["title"] for i, row in truth.items() if i != victim}
    assert is_loaded == (hostile.outcome in ("fine", "note"))
    severities = {problem.severity for problem in problems(run)}
    match hostile.outcome:
        case "fine":
            assert run.state == JobRun.State.COMPLETED, told(run)
            assert severities <= {"note"}
        case "note":
            assert (run.state, severities) == (JobRun.State.COMPLETED, {"note"}), told(run)
        case "record":
            assert run.state == JobRun.State.COMPLETED_WITH_ERRORS, told(run)
            assert severities == {"record"}
        case "any":
            assert run.state != JobRun.State.FAILED, told(run)
    source.heal()
    healed = sync(integration, mode="full")
    assert healed.state == JobRun.State.COMPLETED, told(healed)
    assert differences(source, providers=provider) == []


def problems(run: JobRun) -> list[QuarantinedRecord]:
    """Return what was noted of a run's records."""
    with every_tenant("test"):
        return list(QuarantinedRecord.objects.filter(run_id=run.pk))
