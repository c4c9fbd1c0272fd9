"""Two versions of one entity: which wins does not depend on order, page or run."""

import copy
import itertools
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from django.db import DataError

from integrations.models import QuarantinedRecord
from jobs.actors import load as load_actor
from jobs.models import JobRun, QueueEntry
from tenants.scope import every_tenant
from tests.conftest import OWN
from tests.path.working import exported, hashes, load
from warehouse.load import Loaded, load_pages
from warehouse.models import StagedPage

pytestmark = pytest.mark.django_db(transaction=True)

Entity = dict[str, Any]


def an_item() -> Entity:
    """A work item of our recording with a long history."""
    lines = (OWN / "jira" / "issues.jsonl").read_text().splitlines()
    items: list[Entity] = [json.loads(line) for line in lines]
    return max(items, key=lambda item: len(item["changelog"]["histories"]))


def later(item: Entity, histories: int | None) -> Entity:
    """A newer version with only so many of its histories, or with no changelog at all."""
    newer = copy.deepcopy(item)
    newer["fields"]["updated"] = "2026-11-22T10:00:00.000+0000"
    newer["fields"]["summary"] = "newer"
    if histories is None:
        del newer["changelog"]
    else:
        newer["changelog"]["histories"] = newer["changelog"]["histories"][:histories]
    return newer


def write(directory: Path, name: str, entities: Sequence[Entity], seen_at: int = 1) -> Path:
    path = directory / f"{name}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(entity) + "\n" for entity in entities))
    os.utime(path, (seen_at, seen_at))
    return directory


@pytest.mark.parametrize("histories", [None, 2])
def test_a_truncated_history_takes_no_change_away_in_any_order(
    tmp_path: Path, histories: int | None
) -> None:
    item = an_item()
    versions = [item, later(item, histories)]
    changes = sum(len(history["items"]) for history in item["changelog"]["histories"])
    for number, order in enumerate(itertools.permutations(versions)):
        for part, entities in enumerate([order[:1], order[1:]]):
            load(write(tmp_path / f"{number}-{part}", "jira/issues", entities), tenant=f"t{number}")
    load(write(tmp_path / "both", "jira/issues", versions), tenant="both")
    load(write(tmp_path / "paged", "jira/issues", versions[::-1]), tenant="paged", lines_a_page=1)
    assert len(exported("changelogs", "t0")) == changes
    assert exported("work_items", "t0")[0]["title"] == "newer"
    # What is loaded is whole if it is as much as the newer version says that there is.
    says_how_many = histories is not None
    assert exported("work_items", "t0")[0]["history_complete"] is says_how_many
    for tenant in ("t1", "both", "paged"):
        assert hashes(tenant) == hashes("t0"), tenant


def test_a_record_without_its_history_never_beats_a_whole_one_of_the_same_time(
    tmp_path: Path,
) -> None:
    item = an_item()
    bare = copy.deepcopy(item)
    del bare["changelog"]
    load(write(tmp_path / "whole", "jira/issues", [item], seen_at=1))
    before = hashes()
    load(write(tmp_path / "bare", "jira/issues", [bare], seen_at=2))
    assert hashes() == before


def test_a_complete_newer_history_takes_away_what_it_no_longer_has(tmp_path: Path) -> None:
    item = an_item()
    shorter = later(item, 3)
    shorter["changelog"]["total"] = 3
    for number, order in enumerate(itertools.permutations([item, shorter])):
        for part, entity in enumerate(order):
            load(write(tmp_path / f"{number}-{part}", "jira/issues", [entity]), tenant=f"t{number}")
    kept = sum(len(history["items"]) for history in shorter["changelog"]["histories"])
    assert len(exported("changelogs", "t0")) == kept
    assert hashes("t1") == hashes("t0")


def test_of_an_entity_without_a_time_the_last_seen_version_wins_in_any_order(
    tmp_path: Path,
) -> None:
    review = json.loads((OWN / "github" / "reviews.jsonl").read_text().splitlines()[0])
    other = copy.deepcopy(review)
    other["body"]["body"] = "edited meanwhile"
    seen = [(review, 1), (other, 2), (review, 3)]
    for number, order in enumerate(itertools.permutations(seen)):
        for entity, seen_at in order:
            directory = tmp_path / f"{number}-{seen_at}"
            load(write(directory, "github/reviews", [entity], seen_at), tenant=f"t{number}")
        (row,) = exported("reviews", f"t{number}")
        assert row["body"] == review["body"]["body"], order


def test_a_value_left_out_is_told_again_by_the_next_import(tmp_path: Path) -> None:
    item = an_item()
    item["fields"]["duedate"] = "2026-02-30"
    write(tmp_path, "jira/issues", [item])
    for _ in range(2):
        (run,) = load(tmp_path)
        assert run.state == JobRun.State.COMPLETED_WITH_ERRORS
        with every_tenant("test"):
            (problem,) = QuarantinedRecord.objects.filter(run_id=run.pk)
            assert problem.reason == "bad_date"


def test_a_value_that_the_database_refuses_costs_its_page_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    refused: list[int] = []

    def refusing(tenant_id: int, integration_id: int, pages: Sequence[StagedPage]) -> Loaded:
        if pages and pages[0].stream == "issues":
            refused[:] = refused or [pages[0].raw_page_id]
            if refused[0] in [page.raw_page_id for page in pages]:
                raise DataError("integer out of range")
        return load_pages(tenant_id, integration_id, pages)

    monkeypatch.setattr(load_actor, "load_pages", refusing)
    runs = load(OWN, lines_a_page=20)
    jira = next(run for run in runs if run.integration.name == "jira")
    assert jira.state == JobRun.State.COMPLETED_WITH_ERRORS
    assert len(exported("work_items")) == 100
    with every_tenant("test"):
        (problem,) = QuarantinedRecord.objects.filter(reason="unloadable")
        assert "integer out of range" in problem.detail
        assert not QueueEntry.objects.filter(state=QueueEntry.State.DEAD).exists()
        assert not StagedPage.objects.exists()
