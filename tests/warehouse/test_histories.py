"""Changes that come with their item and changes that come apart: the same tables in any order."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from integrations.contract import ChangeDraft, Draft, StatusDraft, WorkItemDraft
from tests.warehouse.loading import Given, Source, day, given, orders_of

pytestmark = pytest.mark.django_db

STATUSES = ("todo", "doing", "done")


def item(source_id: str = "1", *, updated: float, **values: Any) -> WorkItemDraft:
    return WorkItemDraft(
        **{
            "source_id": source_id,
            "key": f"KEY-{source_id}",
            "project_source_id": "10",
            "project_key": "KEY",
            "type_source_id": "20",
            "source_type": "Story",
            "status_source_id": "done",
            "source_status": "done",
            "title": f"as of day {updated}",
            "labels": [],
            "sprint_source_ids": [],
            "created_at": day(0),
            "updated_at": day(updated),
            "custom_fields": {},
            "history_complete": False,
            **values,
        }
    )


def history(number: float, item_id: str = "1", *, items: int = 2) -> list[ChangeDraft]:
    """The history of a day: into the day's status, and other changes beside it."""
    left, entered = STATUSES[int(number - 1) % 3], STATUSES[int(number) % 3]
    return [
        ChangeDraft(
            work_item_source_id=item_id,
            source_id=str(number),
            position=position,
            field="status" if position == 0 else "assignee",
            is_status=position == 0,
            from_value=left,
            to_value=entered,
            changed_at=day(number),
        )
        for position in range(items)
    ]


def histories(*numbers: float, item_id: str = "1") -> list[ChangeDraft]:
    return [change for number in numbers for change in history(number, item_id)]


def whole(updated: float, *numbers: float, on: float | None = None) -> Given:
    """A record of the item with all its histories."""
    draft = item(updated=updated, history_complete=True, history_total=len(numbers))
    return given([draft, *histories(*numbers)], on=updated if on is None else on)


def part(updated: float, total: int | None, *numbers: float) -> Given:
    """A record of the item with only some of its histories."""
    return given([item(updated=updated, history_total=total), *histories(*numbers)], on=updated)


def apart(*numbers: float, on: float = 50) -> Given:
    """A page of the stream of changes."""
    return given(*(history(number) for number in numbers), on=on)


def named_statuses() -> Given:
    return given(*([StatusDraft(source_id=name, name=name)] for name in STATUSES))


@dataclass(frozen=True)
class Outcome:
    is_complete: bool
    histories: set[str]
    lead_time_seconds: float | None


def a_source() -> Source:
    source = Source()
    source.map_statuses(todo="todo", doing="in_progress", done="done")
    source.load(named_statuses())
    return source


def outcome(source: Source) -> Outcome:
    (row,) = source.exported("work_items")
    found = {change["source_id"] for change in source.exported("changelogs")}
    return Outcome(row["history_complete"], found, row["lead_time_seconds"])


def in_every_order(*pages: Given) -> Outcome:
    """Load pages in every order, one by one and at once; return the one outcome."""
    found = {}
    for order in orders_of(pages):
        source = a_source()
        source.load_each(order)
        found[source.hashes()["all"]] = outcome(source)
    source = a_source()
    source.load(*pages)
    found[source.hashes()["all"]] = outcome(source)
    assert len(found) == 1, found.values()
    return next(iter(found.values()))


def test_changes_that_come_apart_complete_an_item_in_any_order() -> None:
    found = in_every_order(part(5, 5, 4, 5), apart(1, 2), apart(3))
    assert found == Outcome(True, {"1", "2", "3", "4", "5"}, 5 * 86400)


def test_an_item_of_which_one_history_is_missing_is_not_complete_and_has_no_metrics() -> None:
    found = in_every_order(part(5, 5, 4, 5), apart(1, 2))
    assert found == Outcome(False, {"1", "2", "4", "5"}, None)


def test_an_item_whose_source_names_no_total_is_not_complete() -> None:
    assert in_every_order(part(5, None, 4, 5), apart(1, 2, 3)).is_complete is False


def test_the_items_of_one_history_are_counted_once_also_when_two_pages_share_it() -> None:
    first, second = history(1)
    found = in_every_order(part(2, 2), given([first]), given([second]))
    assert found == Outcome(False, {"1"}, None)
    found = in_every_order(part(2, 2, 2), given([first]), given([second]))
    assert found.is_complete is True


def test_changes_of_an_item_that_is_not_loaded_are_kept_for_it() -> None:
    source = a_source()
    source.load(apart(1, 2))
    assert {row["source_id"] for row in source.exported("changelogs")} == {"1", "2"}
    source.load(part(2, 2))
    assert outcome(source) == Outcome(True, {"1", "2"}, 2 * 86400)


def test_an_item_that_was_complete_stays_so_when_it_has_grown_beyond_what_is_embedded() -> None:
    found = in_every_order(whole(2, 1, 2), part(5, 4, 4, 5))
    assert found == Outcome(True, {"1", "2", "4", "5"}, 5 * 86400)


def test_a_truncated_listing_takes_no_change_away() -> None:
    found = in_every_order(part(3, 3, 3), apart(1, 2), part(5, 4, 5))
    assert found == Outcome(True, {"1", "2", "3", "5"}, 5 * 86400)


def test_complete_record__what_it_does_not_have_is_gone_whichever_way_it_came() -> None:
    found = in_every_order(whole(5, 1, 5), apart(1, 2), part(4, 3, 2))
    assert found == Outcome(True, {"1", "5"}, 5 * 86400)


def test_complete_record__a_later_change_of_the_other_stream_stays() -> None:
    found = in_every_order(whole(2, 1, 2), apart(1, 5))
    assert found == Outcome(True, {"1", "2", "5"}, 2 * 86400)


def test_complete_record__an_older_one_decides_up_to_its_time_beside_a_newer_truncated() -> None:
    found = in_every_order(whole(3, 1, 2, 3), whole(4, 2, 3), part(6, 3, 5), apart(1))
    assert found == Outcome(True, {"2", "3", "5"}, 5 * 86400)


def test_complete_record__of_two_of_one_time_the_one_that_was_fetched_last_decides() -> None:
    found = in_every_order(whole(3, 1, 2, 3, on=3), whole(3, 1, 3, on=4), apart(2))
    assert found.histories == {"1", "3"}


def test_new_changes_of_a_loaded_item_bring_new_statuses_under_their_rules() -> None:
    source = a_source()
    source.load(part(2, 2, 2))
    before = source.changes_seen()["work_items"]
    source.load(apart(1))
    (row,) = source.exported("work_items")
    assert row["started_at"] == day(1)
    assert source.changes_seen()["work_items"] > before


def test_loading_again_writes_nothing() -> None:
    pages = [part(5, 5, 4, 5), apart(1, 2), apart(3), whole(3, 1, 2, 3)]
    source = a_source()
    source.load_each(pages)
    before, seen = source.hashes(), source.changes_seen()
    for page in pages[::-1]:
        assert source.load(page).row_count == 0
    assert source.load(*pages).row_count == 0
    assert (source.hashes(), source.changes_seen()) == (before, seen)


def test_a_page_read_again_by_another_reading_mends_what_it_had_read() -> None:
    page = whole(3, 1, 2, 3)
    other = Given([[item(updated=3, history_total=3), *histories(2, 3)]], page.fetched_at)
    source = a_source()
    source.load(page)
    source.load(Given(other.records, other.fetched_at, page.page_id), fingerprint=2)
    assert outcome(source).is_complete is True
    source.load(page, fingerprint=3)
    assert outcome(source) == Outcome(True, {"1", "2", "3"}, None)


def test_only_the_items_whose_changes_came_are_written() -> None:
    source = a_source()
    pair = [given([item(name, updated=9, history_total=1)]) for name in ("1", "2")]
    source.load(*pair)
    seen = source.changes_seen()["work_items"]
    source.load(apart(2))
    assert seen[1] in source.changes_seen()["work_items"]
    complete = {row["source_id"]: row["history_complete"] for row in source.exported("work_items")}
    assert complete == {"1": True, "2": False}


@pytest.mark.parametrize("seed", range(6))
def test_any_split_of_histories_into_pages_and_any_order_gives_the_same_tables(seed: int) -> None:
    rng = random.Random(seed)
    pages = [page for name in ("1", "2", "3") for page in pages_of_an_item(rng, name)]
    found = set()
    for _ in range(4):
        source = a_source()
        order = rng.sample(pages, len(pages))
        while order:
            batch = [order.pop() for _ in range(min(len(order), rng.randint(1, 4)))]
            source.load(*batch)
        found.add(source.hashes()["all"])
    assert len(found) == 1


def pages_of_an_item(rng: random.Random, name: str) -> list[Given]:
    """Versions of an item, complete and not, histories that vanish, and pages of its changes."""
    alive = [number / 4 for number in range(1, 40)]
    pages = []
    for updated in sorted(rng.sample(range(2, 11), 3)):
        for gone in rng.sample(alive, rng.randint(0, 2)):
            alive.remove(gone)
        told = [number for number in alive if number <= updated]
        is_whole = rng.random() < 0.5
        held = told if is_whole else told[-rng.randint(0, 5) :]
        draft = item(name, updated=updated, history_complete=is_whole, history_total=len(told))
        pages.append(given([draft, *histories(*held, item_id=name)], on=updated))
    changes: Sequence[Draft] = histories(*alive, item_id=name)
    changes = rng.sample(changes, len(changes))
    while changes:
        size = rng.randint(1, 30)
        pages.append(given(changes[:size], on=50))
        changes = changes[size:]
    return pages
