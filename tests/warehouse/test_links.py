import random
from datetime import UTC, datetime
from typing import Any

import pytest

from integrations.models import Integration
from tenants.models import Tenant
from tenants.scope import ForeignTenantError, every_tenant, tenant_scope
from warehouse.links import CONFIDENCE, Link, links
from warehouse.models import Mention, WorkItem

NOW = datetime(2024, 5, 1, tzinfo=UTC)


class World:
    """A tenant with two Jira sites and a GitHub integration."""

    def __init__(self, slug: str) -> None:
        with every_tenant("the test makes tenants"):
            self.tenant = Tenant.objects.create(slug=slug, name=slug)
            self.jira, self.other_jira, self.github = (
                Integration.objects.create(tenant=self.tenant, provider=provider, name=name)
                for provider, name in (
                    ("jira", "site"),
                    ("jira", "other-site"),
                    ("github", "code"),
                )
            )

    def work_item(self, key: str, integration: Integration | None = None, **values: Any) -> None:
        with tenant_scope(self.tenant.pk):
            WorkItem.objects.create(
                tenant=self.tenant,
                integration=integration or self.jira,
                source_id=f"id of {key}",
                key=key,
                title=key,
                history_complete=True,
                created_at=NOW,
                updated_at=NOW,
                **dict.fromkeys(("raw_page_id", "raw_position", "digest", "fingerprint"), 0),
                fetched_at=NOW,
                changed_seq=1,
                **values,
            )

    def mention(self, key: str, place: str = "title", **values: Any) -> None:
        with tenant_scope(self.tenant.pk):
            Mention.objects.create(
                **{
                    "tenant": self.tenant,
                    "integration": self.github,
                    "repository": "acme/ants",
                    "pull_request_number": 7,
                    "place": place,
                    "reference": "",
                    "position": 0,
                    "key": key,
                    "matched_text": key,
                    "raw_page_id": 0,
                    "raw_position": 0,
                    "changed_seq": 1,
                    **values,
                }
            )

    def links(self) -> list[Link]:
        with tenant_scope(self.tenant.pk):
            return list(links(self.tenant.pk))


@pytest.fixture
def world(db: None) -> World:
    return World("alice")


def test_a_mention_of_a_work_item_is_a_link_with_everything_about_both(world: World) -> None:
    world.work_item("ABC-12")
    world.mention("ABC-12", "branch", matched_text="abc-12")
    assert world.links() == [
        Link(
            integration="code",
            repository="acme/ants",
            pull_request_number=7,
            work_item_key="ABC-12",
            work_item_source_id="id of ABC-12",
            work_item_integration="site",
            source="branch",
            reference="",
            matched_text="abc-12",
            confidence=0.95,
        )
    ]


def test_a_mention_becomes_a_link_when_the_work_item_arrives(world: World) -> None:
    world.mention("ABC-12")
    assert world.links() == []
    world.work_item("ABC-12")
    assert [link.work_item_key for link in world.links()] == ["ABC-12"]


def test_what_looks_like_a_key_but_names_no_work_item_is_no_link(world: World) -> None:
    world.work_item("ABC-12")
    for key in ("UTF-8", "ABC-1", "ABC-123"):
        world.mention(key)
    assert world.links() == []


def test_a_deleted_work_item_has_no_links(world: World) -> None:
    world.work_item("ABC-12", deleted_at=NOW, deleted_reason="deleted")
    world.mention("ABC-12")
    assert world.links() == []


def test_the_longest_key_that_exists_wins_in_one_word(world: World) -> None:
    world.work_item("ABC-12")
    for key in ("MY_ABC-12", "ABC-12"):
        world.mention(key, position=3)
    assert [link.work_item_key for link in world.links()] == ["ABC-12"]
    world.work_item("MY_ABC-12")
    assert [link.work_item_key for link in world.links()] == ["MY_ABC-12"]


def test_the_shorter_key_wins_where_it_stands_alone(world: World) -> None:
    world.work_item("ABC-12")
    world.work_item("MY_ABC-12")
    for key in ("MY_ABC-12", "ABC-12"):
        world.mention(key, position=3)
    world.mention("ABC-12", position=30)
    assert [link.work_item_key for link in world.links()] == ["ABC-12", "MY_ABC-12"]


def test_an_item_named_twice_in_one_text_is_one_link_of_its_first_mention(world: World) -> None:
    world.work_item("ABC-12")
    world.mention("ABC-12", "branch", position=20, matched_text="ABC-12")
    world.mention("ABC-12", "branch", position=3, matched_text="abc-12")
    assert [link.matched_text for link in world.links()] == ["abc-12"]


def test_every_place_is_a_link_of_its_own_and_each_commit_too(world: World) -> None:
    world.work_item("ABC-12")
    for place in ("body", "title", "branch"):
        world.mention("ABC-12", place)
    for sha in ("b" * 40, "a" * 40):
        world.mention("ABC-12", "commit", reference=sha)
    found = [(link.source, link.reference[:1], link.confidence) for link in world.links()]
    assert found == [
        ("branch", "", CONFIDENCE["branch"]),
        ("title", "", CONFIDENCE["title"]),
        ("commit", "a", CONFIDENCE["commit"]),
        ("commit", "b", CONFIDENCE["commit"]),
        ("body", "", CONFIDENCE["body"]),
    ]


def test_a_key_that_two_sites_have_links_to_both(world: World) -> None:
    world.work_item("ABC-12", world.jira)
    world.work_item("ABC-12", world.other_jira)
    world.mention("ABC-12")
    assert [link.work_item_integration for link in world.links()] == ["other-site", "site"]


def test_a_work_item_of_another_tenant_is_never_linked(world: World) -> None:
    bob = World("bob")
    bob.work_item("ABC-12")
    world.mention("ABC-12")
    assert world.links() == []
    assert bob.links() == []


def test_links_of_another_tenant_cannot_be_read(world: World) -> None:
    bob = World("bob")
    with tenant_scope(world.tenant.pk), pytest.raises(ForeignTenantError):
        list(links(bob.tenant.pk))


def test_links_come_in_one_order_whatever_was_loaded_first(world: World) -> None:
    keys = ["ABC-9", "ABC-10", "ZZ-1", "A_B-1"]
    mentions = [(repo, number, key) for repo in ("b/x", "a/Z", "a/a") for number in (10, 9)
                for key in keys]  # fmt: skip
    random.Random(4).shuffle(mentions)
    for key in keys:
        world.work_item(key)
    for position, (repository, number, key) in enumerate(mentions):
        world.mention(key, repository=repository, pull_request_number=number, position=position)
    found = [(x.repository, x.pull_request_number, x.work_item_key) for x in world.links()]
    assert found == sorted(mentions)
