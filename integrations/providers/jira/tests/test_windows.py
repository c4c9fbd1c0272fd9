"""A large project is cut into windows of creation, so that several workers walk it at once."""

from typing import Any

import pytest

from ..connector import connector
from ..settings import JiraSettings
from .fake_jira import FakeJira, Item
from .fake_site import Done, FakeLive, FakeSite, Reply, run

MINUTE = 60_000
DAY = 24 * 60 * MINUTE
T = 1_700_000_040_000


def walked(jira: FakeJira, **settings: Any) -> tuple[Done, FakeSite]:
    site = FakeSite(jira)
    live = FakeLive(site, JiraSettings(**{"page_size": 5, "window_items": 10} | settings))
    return run(connector.begin(live), live), site


def windows_of(site: FakeSite) -> set[str]:
    """Return the queries of the windows that were walked."""
    return {p["jql"] for p in site.asked("POST search/jql") if "expand" in p}


@pytest.mark.parametrize(
    "created",
    [
        [T + n * DAY for n in range(100)],
        [T + n * n * n * MINUTE for n in range(100)],
        [T] * 50 + [T + 500 * DAY] * 50,
        [T + n for n in range(100)],
    ],
    ids=["evenly", "ever less", "in two heaps", "in one second"],
)
def test_windows_hold_every_item_once_and_none_too_many(created: list[int]) -> None:
    jira = FakeJira([Item(n, T + n, "10", at) for n, at in enumerate(created)])
    done, site = walked(jira)
    assert sorted(done.ids(), key=int) == [str(n) for n in range(100)]
    assert done.mark_of("10") == T + 99
    assert {ask.part for ask in done.asks if ask.place["step"] in ("split", "walk")} == {"10"}
    if len(set(created)) > 2 and created[-1] - created[0] > DAY:
        sizes = [len(jira._found(query) or []) for query in windows_of(site)]
        assert max(sizes) <= 10
        assert len(sizes) < 30


def test_a_small_project_is_one_walk_that_begins_with_its_count() -> None:
    jira = FakeJira([Item(n, T + n) for n in range(10)])
    _, site = walked(jira)
    assert len(windows_of(site)) == 1
    assert len(site.asked("POST search/approximate-count")) == 1


def test_windows_are_whole_minutes_wide_and_leave_nothing_between() -> None:
    jira = FakeJira([Item(n, T + n, "10", T + n * 12_345) for n in range(60)])
    _, site = walked(jira)
    bounds = sorted(
        part
        for query in windows_of(site)
        for part in query.split()
        if part.isdigit() and len(part) > 10
    )
    assert bounds
    assert all(int(bound) % MINUTE == 0 for bound in bounds)
    assert all(bounds.count(bound) == 2 for bound in bounds)


def test_a_count_that_is_wrong_loses_nothing() -> None:
    jira = FakeJira([Item(n, T + n, "10", T + n * DAY) for n in range(30)])
    counts = iter([30, 0, 30, 45, *[0] * 20])
    jira.hooks.append(
        lambda r: Reply({"count": next(counts)}) if r.name.endswith("approximate-count") else None
    )
    done, _ = walked(jira)
    assert sorted(done.ids(), key=int) == [str(n) for n in range(30)]


def test_a_site_that_cannot_count_is_walked_in_one_window() -> None:
    jira = FakeJira([Item(n, T + n, "10", T + n * DAY) for n in range(30)])
    jira.hooks.append(lambda r: Reply(status=404) if r.name.endswith("approximate-count") else None)
    done, site = walked(jira)
    assert len(done.ids()) == 30
    assert len(windows_of(site)) == 1


def test_data_center_is_cut_into_windows_by_its_total() -> None:
    jira = FakeJira([Item(n, T + n, "10", T + n * DAY) for n in range(30)])
    done, site = walked(jira, flavour="datacenter")
    assert set(done.ids()) == {str(n) for n in range(30)}
    assert len({p["jql"] for p in site.asked("POST search") if p.get("expand")}) >= 3
