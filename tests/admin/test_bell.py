"""The bell: the newest notices of one's tenant, and how many one has not seen."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from notices.events import Event
from notices.models import Notice, SeenNotices
from notices.telling import tell
from tenants.scope import every_tenant
from tests.admin.world import World

pytestmark = pytest.mark.django_db


def tell_of(world: World, run: int, event: Event = Event.RUN_FINISHED, **more: Any) -> Notice:
    """Tell of a run of a world; more: of its payload."""
    payload = {
        "run": {"id": run, "state": "completed", "records": 5, "rows": 4, **more},
        "integration": {"id": 1, "name": "jira", "provider": "jira"},
    }
    with transaction.atomic():
        made = tell(world.tenant.pk, event, f"{event}:{run}", payload)
    assert made is not None
    return made


def shown(client: Client) -> Any:
    """Return what the bell shows."""
    answer = client.get(reverse("admin:bell"))
    assert answer.status_code == 200
    return answer.json()


def see(client: Client, until: object) -> int:
    """Say that one has looked; return the status."""
    return client.post(reverse("admin:bell_seen"), {"until": until}).status_code


@pytest.fixture(autouse=True)
def nothing_told(ours: World) -> None:
    """Forget what making the tenant has told."""
    with every_tenant("test"):
        Notice.objects.all().delete()


def test_it_is_in_the_head_of_every_page(as_admin: Client) -> None:
    for name in ("index", "jobs_jobrun_changelist", "preferences"):
        page = as_admin.get(reverse(f"admin:{name}")).content.decode()
        assert 'id="bell"' in page, name
        assert "etl/bell.js" in page, name


def test_it_has_nothing_before_anything_was_told(as_admin: Client) -> None:
    assert shown(as_admin) == {"unread": 0, "newest": 0, "notices": []}


def test_a_finished_run_is_told_in_words_with_a_link_to_it(ours: World, as_admin: Client) -> None:
    notice = tell_of(ours, 7)
    bell = shown(as_admin)
    assert (bell["unread"], bell["newest"]) == (1, notice.pk)
    (only,) = bell["notices"]
    assert (only["title"], only["brief"]) == ("Run 7 of jira finished", "jira finished")
    assert only["detail"] == "5 records read, 4 rows written"
    assert only["url"] == reverse("admin:jobs_jobrun_change", args=(7,))
    assert (only["tone"], only["is_unread"]) == ("good", True)


def test_a_run_that_found_nothing_says_so(ours: World, as_admin: Client) -> None:
    tell_of(ours, 7, records=0, rows=0)
    assert shown(as_admin)["notices"][0]["detail"] == "There was nothing new"


def test_a_failed_run_says_why(ours: World, as_admin: Client) -> None:
    tell_of(ours, 8, Event.RUN_FAILED, state="failed", error="the token was refused")
    (only,) = shown(as_admin)["notices"]
    assert (only["tone"], only["brief"]) == ("bad", "jira failed")
    assert only["detail"] == "Reason: the token was refused"


def test_a_run_with_errors_is_a_warning(ours: World, as_admin: Client) -> None:
    tell_of(ours, 9, state="completed_with_errors")
    assert shown(as_admin)["notices"][0]["tone"] == "warning"


def test_tests_of_webhooks_and_recoveries_are_not_told_twice(ours: World, as_admin: Client) -> None:
    tell_of(ours, 7, Event.PING)
    tell_of(ours, 7, Event.RUN_RECOVERED)
    assert shown(as_admin)["notices"] == []


def test_who_has_looked_has_nothing_unread_until_something_new_comes(
    ours: World, as_admin: Client
) -> None:
    first = tell_of(ours, 1)
    assert see(as_admin, first.pk) == 204
    assert shown(as_admin)["unread"] == 0
    tell_of(ours, 2)
    bell = shown(as_admin)
    assert bell["unread"] == 1
    assert [each["is_unread"] for each in bell["notices"]] == [True, False]


def test_an_older_look_takes_nothing_back(ours: World, as_admin: Client) -> None:
    first, second = tell_of(ours, 1), tell_of(ours, 2)
    see(as_admin, second.pk)
    see(as_admin, first.pk)
    assert shown(as_admin)["unread"] == 0


def test_nobody_sees_what_is_still_to_come(ours: World, as_admin: Client) -> None:
    last = tell_of(ours, 1)
    see(as_admin, 10**17)
    with every_tenant("test"):
        assert SeenNotices.objects.get().seen_until == last.pk
    tell_of(ours, 2)
    assert shown(as_admin)["unread"] == 1


def test_each_member_has_seen_their_own(ours: World, as_admin: Client) -> None:
    see(as_admin, tell_of(ours, 1).pk)
    other = Client()
    other.force_login(ours.members["viewer"])
    assert shown(other)["unread"] == 1


def test_what_is_older_than_a_day_is_not_news_to_who_never_looked(
    ours: World, as_admin: Client
) -> None:
    old = tell_of(ours, 1)
    with every_tenant("test"):
        past = timezone.now() - timedelta(days=2)
        Notice.objects.filter(pk=old.pk).update(occurred_at=past)
    bell = shown(as_admin)
    assert bell["unread"] == 0
    assert len(bell["notices"]) == 1


def test_another_tenants_notices_are_neither_shown_nor_seen(
    ours: World, theirs: World, as_admin: Client
) -> None:
    with every_tenant("test"):
        Notice.objects.all().delete()
    foreign = tell_of(theirs, 1)
    assert shown(as_admin) == {"unread": 0, "newest": 0, "notices": []}
    assert see(as_admin, foreign.pk) == see(as_admin, foreign.pk + 1) == 204
    with every_tenant("test"):
        assert not SeenNotices.objects.exists()


@pytest.mark.parametrize("until", ["", "x", "-1", "1.5", "²", "9" * 30])
def test_an_id_that_is_none_is_refused(as_admin: Client, until: str) -> None:
    assert see(as_admin, until) == 400


def test_who_is_not_signed_in_is_sent_to_sign_in(client: Client) -> None:
    answer = client.get(reverse("admin:bell"))
    assert answer.status_code == 302
    assert "/login/" in answer.headers["Location"]


def test_an_operator_who_looks_at_every_tenant_has_no_bell(admin_client: Client) -> None:
    assert shown(admin_client)["notices"] == []
    assert 'id="bell"' not in admin_client.get(reverse("admin:index")).content.decode()
