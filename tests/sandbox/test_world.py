"""The made-up organisation: the same everywhere, of any size, as awkward as a real one."""

import json
import tracemalloc
from collections import Counter
from itertools import islice, pairwise

import pytest

from sandbox.generate.people import Entity
from sandbox.generate.world import World


def test_the_same_seed_gives_the_same_entities() -> None:
    first, second = World(60, seed=3), World(60, seed=3)
    assert list(first.jira.issues()) == list(second.jira.issues())
    assert list(first.github.pulls()) == list(second.github.pulls())


def test_another_seed_gives_other_entities() -> None:
    assert World(60, seed=3).jira.issue(7) != World(60, seed=4).jira.issue(7)


def test_an_item_is_computed_from_its_number_alone() -> None:
    world = World(1_000_000, seed=3)
    alone = world.jira.issue(999_999)
    for _ in islice(world.jira.issues(), 20):
        pass
    assert world.jira.issue(999_999) == alone
    assert world.github.pull_set(300_000).pull["id"] == 500_300_000


@pytest.mark.parametrize("items", [1, 10, 11, 333])
def test_a_world_has_as_many_items_as_asked_for_and_each_key_once(items: int) -> None:
    keys = [issue["key"] for issue in World(items, lean=True).jira.issues()]
    assert len(keys) == len(set(keys)) == items


def test_a_world_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        World(0)


def test_keys_and_ids_stay_unique_in_a_large_world() -> None:
    lives = World(1_000_000).lives
    places = [lives.place(index) for index in range(0, 1_000_000, 37)]
    assert len({(project.key, number) for project, number in places}) == len(places)
    assert len({project.key for project, _ in places}) == 200


def test_pull_request_numbers_are_unique_in_a_repository() -> None:
    pulls = [each.pull for each in World(600, lean=True).github.pulls()]
    assert len({(p["base"]["repo"]["full_name"], p["number"]) for p in pulls}) == len(pulls)


def test_a_full_item_is_about_as_large_and_as_eventful_as_a_real_one() -> None:
    issues = list(World(400).jira.issues())
    sizes = [len(json.dumps(issue)) for issue in issues]
    moves = [len(_status_moves(issue)) for issue in issues]
    assert 5_000 < sum(sizes) / len(sizes) < 9_000
    assert 5 < sum(moves) / len(moves) < 7


def test_status_moves_form_a_chain_that_ends_in_the_present_status() -> None:
    for issue in World(300, lean=True).jira.issues():
        moves = _status_moves(issue)
        for before, after in pairwise(moves):
            assert before["to"] == after["from"]
        if moves:
            assert moves[-1]["to"] == issue["fields"]["status"]["id"]


def test_histories_are_newest_first_with_ids_that_rise_with_time() -> None:
    for issue in World(100, lean=True).jira.issues():
        histories = issue["changelog"]["histories"]
        ids = [int(history["id"]) for history in histories]
        assert ids == sorted(ids, reverse=True)
        created = [history["created"] for history in histories]
        assert created == sorted(created, reverse=True)
        if histories:
            assert issue["fields"]["updated"] == created[0]


def test_parents_exist_and_stand_one_level_above() -> None:
    issues = {issue["id"]: issue for issue in World(200, lean=True).jira.issues()}
    pairs = Counter(
        (
            issue["fields"]["issuetype"]["hierarchyLevel"],
            issues[issue["fields"]["parent"]["id"]]["fields"]["issuetype"]["hierarchyLevel"],
        )
        for issue in issues.values()
        if "parent" in issue["fields"]
    )
    assert set(pairs) == {(0, 1), (-1, 0)}


def test_the_world_is_as_dirty_as_real_ones() -> None:
    world = World(1_500, lean=True)
    listed = {status["id"] for status in world.site.listed_statuses()}
    issues = list(world.jira.issues())
    histories = [h for issue in issues for h in issue["changelog"]["histories"]]
    items = [item for history in histories for item in history["items"]]
    assert any("\x00" in issue["fields"]["summary"] for issue in issues)
    assert any(i["from"] not in listed for i in items if i["field"] == "status")
    assert any("author" not in history for history in histories)
    assert any("duedate" not in issue["fields"] for issue in issues)
    assert any(len(history["items"]) > 2 for history in histories)
    assert {"Workflow", "RemoteIssueLink"} <= {i["field"] for i in items if "fieldId" not in i}
    assert histories[0]["created"].endswith("-0500")


def test_pull_requests_come_in_all_states_with_ghosts_and_gaps() -> None:
    sets = list(World(1_500, lean=True).github.pulls())
    pulls = [each.pull for each in sets]
    commits = [commit for each in sets for commit in each.commits]
    states = Counter((p["state"], p["merged_at"] is not None, p["draft"]) for p in pulls)
    assert {("open", False, True), ("open", False, False)} < set(states)
    assert {("closed", False, False), ("closed", True, False)} < set(states)
    assert any(p["user"] is None for p in pulls)
    assert any(p["head"]["repo"] is None for p in pulls)
    assert any(commit["author"] is None for commit in commits)
    assert any(len(commit["parents"]) == 2 for commit in commits)
    assert any(review["user"] is None for each in sets for review in each.reviews)


def test_pull_requests_name_items_that_exist() -> None:
    world = World(300, lean=True)
    keys = {issue["key"] for issue in world.jira.issues()}
    named = [
        key for each in world.github.pulls() for key in keys if f"{key}:" in each.pull["title"]
    ]
    assert len(named) > 10


def test_the_rich_shape_has_documents_and_no_board_members() -> None:
    issues = list(World(30, shape="v3").jira.issues())
    described = [issue["fields"]["description"] for issue in issues]
    assert all(text is None or text["type"] == "doc" for text in described)
    assert any(described)
    assert not {"sprint", "closedSprints", "epic"} & {key for i in issues for key in i["fields"]}


def test_the_memory_of_the_generator_does_not_grow_with_the_world() -> None:
    world = World(20_000, lean=True)
    for _ in islice(world.jira.issues(), 100):
        pass
    tracemalloc.start()
    try:
        for index in range(100, 20_000, 10):
            world.jira.issue(index)
            world.github.pull_set(index // 3)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 2_000_000


def _status_moves(issue: Entity) -> list[Entity]:
    """Return the status items of a work item, oldest first."""
    return [
        item
        for history in reversed(issue["changelog"]["histories"])
        for item in history["items"]
        if item["field"] == "status"
    ]
