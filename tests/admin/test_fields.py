"""Custom fields in the admin: what is there, mapping it, and what it does."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from integrations.models import Integration
from mappings.models import ChangeSet, CustomField, CustomFieldMapping
from tenants.models import Membership, Role
from tenants.scope import tenant_scope
from tests.warehouse.loading import Source, given
from tests.warehouse.test_mapped_fields import POINTS, TEAM, item, mapped

pytestmark = pytest.mark.django_db

LIST = "admin:mappings_customfield_changelist"
RULES = "admin:mappings_customfieldmapping_{}"


class Site:
    """A tenant with work items and told fields, and people who look at them."""

    def __init__(self) -> None:
        self.source = Source()
        self.source.load(
            given(
                item(1, **{POINTS: 3, TEAM: {"id": "1", "name": "Blue"}}),
                item(2, **{POINTS: "lots", TEAM: "Red <b>"}),
                item(3, **{POINTS: ""}),
            )
        )
        with tenant_scope(self.source.tenant.pk):
            self.points = self.field(POINTS, "Story Points", "x:float")
            self.team = self.field(TEAM, "Crew", "com.atlassian.teams:rm-teams-custom-field-team")
            self.empty = self.field("customfield_9", "Never filled")

    def field(self, source_id: str, name: str, schema: str = "") -> CustomField:
        field: CustomField = CustomField.objects.create(
            tenant=self.source.tenant,
            integration=self.source.integration,
            source_id=source_id,
            name=name,
            schema=schema,
            value_type="any",
            authority=1,
            raw_page_id=1,
            raw_position=0,
            fetched_at="2026-01-01T00:00:00Z",
            digest=1,
            fingerprint=1,
            changed_seq=1,
        )
        return field

    def enter(self, role: Role = Role.EDITOR) -> Client:
        client = Client()
        user = User.objects.create(username=f"{role.value}-{self.source.tenant.pk}")
        with tenant_scope(self.source.tenant.pk):
            Membership.objects.create(tenant=self.source.tenant, user=user, role=role)
        client.force_login(user)
        return client

    def rules(self) -> list[CustomFieldMapping]:
        with tenant_scope(self.source.tenant.pk):
            return list(CustomFieldMapping.objects.order_by("pk"))

    def rule(self, **values: Any) -> CustomFieldMapping:
        with tenant_scope(self.source.tenant.pk):
            rule: CustomFieldMapping = CustomFieldMapping.objects.create(
                tenant=self.source.tenant,
                integration=self.source.integration,
                **{"field_source_id": POINTS, "target": "story_points", **values},
            )
        return rule


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def editor(site: Site) -> Client:
    return site.enter()


def url(page: str, *args: Any) -> str:
    return reverse(RULES.format(page), args=args)


def posted(site: Site, **changed: Any) -> dict[str, Any]:
    given = {"field": site.points.pk, "target": "story_points", "position": 0, "is_active": "on"}
    return {**given, "column_name": "", **changed}


def text_of(response: Any) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", response.content.decode()).split())


def test_the_list_shows_each_field_with_its_use_its_values_and_what_it_is(
    site: Site, editor: Client
) -> None:
    site.rule(field_source_id=TEAM, target="team")
    text = text_of(editor.get(reverse(LIST)))
    assert "Story Points customfield_10016" in text
    assert "67%" in text  # a text of nothing is no value
    assert "lots , 3" in text
    assert "Map as story points" in text
    assert "Blue" in text
    assert "no value" in text


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"is": "mapped"}, ["Crew"]),
        ({"is": "not"}, ["Never filled", "Story Points"]),
        ({"is": "team"}, ["Crew"]),
        ({"is": "sprint"}, []),
        ({"values": "yes"}, ["Crew", "Story Points"]),
        ({"values": "no"}, ["Never filled"]),
        ({"q": "story"}, ["Story Points"]),
        ({"q": "customfield_9"}, ["Never filled"]),
    ],
)
def test_the_list_is_filtered_and_searched(
    site: Site, editor: Client, query: dict[str, str], found: list[str]
) -> None:
    site.rule(field_source_id=TEAM, target="team")
    page = editor.get(reverse(LIST), query)
    assert [row.name for row in page.context["cl"].result_list] == found


def test_a_field_is_mapped_at_once_by_a_change_set(site: Site, editor: Client) -> None:
    form = editor.get(url("add"), {"field": site.points.pk})
    assert form.context["adminform"].form.initial["target"] == "story_points"
    answer = editor.post(url("add"), posted(site))
    assert answer.status_code == 302
    assert mapped(site.source) == {"1": {"story_points": 3}, "2": None, "3": None}
    with tenant_scope(site.source.tenant.pk):
        change_set = ChangeSet.objects.get()
    assert (change_set.touched_count, change_set.origin) == (1, "form")


def test_the_panel_counts_what_saving_would_do_and_saves_nothing(
    site: Site, editor: Client
) -> None:
    page = editor.post(url("preview"), posted(site, field=site.team.pk, target="team"))
    text = text_of(page)
    assert "2 work items change" in text
    assert "Red <b>" not in page.content.decode()
    assert "change team" in text
    assert site.rules() == []


def test_a_column_of_our_own_gets_a_name_that_can_be_one(site: Site, editor: Client) -> None:
    values = posted(site, field=site.team.pk, target="column", column_name="  Crew - Name ")
    assert editor.post(url("add"), values).status_code == 302
    assert site.rules()[0].column_name == "crew_name"
    assert mapped(site.source)["1"] == {"columns": {"crew_name": "Blue"}}


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("", "Give the column a name."),
        ("a.b", "Letters, digits and _ only, not “.”."),
        ("🎉", "Letters, digits and _ only, not “🎉”."),
        ("\u202ea", "not the unseen U+202E"),
        ("x" * 64, "63"),
        ("Team", "“team” is not a column of your own"),
        ("story points", "“story_points” is not a column of your own"),
        ("גודל", None),
    ],
)
def test_a_name_that_cannot_be_one_is_refused_with_words(
    site: Site, editor: Client, name: str, told: str | None
) -> None:
    page = editor.post(url("add"), posted(site, target="column", column_name=name))
    assert (page.status_code == 302) is (told is None)
    assert len(site.rules()) == (told is None)
    if told is not None:
        assert told in text_of(page)


def test_a_second_rule_for_a_field_names_the_first(site: Site, editor: Client) -> None:
    rule = site.rule()
    page = editor.post(url("add"), posted(site, target="team"))
    assert "There is a rule for this field already" in text_of(page)
    assert url("change", rule.pk) in page.content.decode()
    assert site.rules() == [rule]


def test_a_target_other_than_a_column_forgets_the_name_of_one(site: Site, editor: Client) -> None:
    editor.post(url("add"), posted(site, column_name="left over"))
    assert site.rules()[0].column_name == ""


@pytest.mark.parametrize("field", ["", "x", "987654321", "kept"])
def test_a_field_that_is_none_of_the_list_is_refused(
    site: Site, editor: Client, field: str
) -> None:
    page = editor.post(url("add"), posted(site, field=field))
    assert page.status_code == 200
    assert site.rules() == []


def test_a_rule_whose_field_nobody_told_of_keeps_it(site: Site, editor: Client) -> None:
    rule = site.rule(field_source_id="customfield_77")
    page = editor.get(url("change", rule.pk))
    assert "customfield_77 (not among those told of)" in page.content.decode()
    answer = editor.post(url("change", rule.pk), posted(site, field="kept", target="team"))
    assert answer.status_code == 302
    assert [(r.field_source_id, r.target) for r in site.rules()] == [("customfield_77", "team")]


def test_the_page_of_a_rule_says_which_values_do_not_fit(site: Site, editor: Client) -> None:
    rule = site.rule()
    text = text_of(editor.get(url("change", rule.pk)))
    assert "2 of the 3 that changed last" in text
    assert "1 do not fit" in text or "1 does not fit" in text
    assert text.index("&quot;lots&quot;") < text.index("WEB-1")


def test_a_field_without_a_value_offers_to_read_all_items_again(site: Site, editor: Client) -> None:
    page = editor.get(reverse("admin:mappings_customfield_change", args=(site.empty.pk,)))
    text = page.content.decode()
    assert "a full run reads all of them again" in text
    assert reverse("admin:jobs_run_now", args=(site.source.integration.pk,)) in text
    assert 'name="mode" value="full"' in text
    viewer = site.enter(Role.VIEWER)
    seen = viewer.get(reverse("admin:mappings_customfield_change", args=(site.empty.pk,)))
    assert "jobs/jobrun/start" not in seen.content.decode()
    assert "Map this field" not in seen.content.decode()


def test_rules_are_deactivated_and_deleted_after_being_asked_about(
    site: Site, editor: Client
) -> None:
    editor.post(url("add"), posted(site))
    rule = site.rules()[0]
    asked = editor.get(url("deactivate", rule.pk))
    assert asked.status_code == 200
    assert mapped(site.source)["1"] == {"story_points": 3}
    editor.post(url("deactivate", rule.pk), {"_apply": "1"})
    assert mapped(site.source)["1"] is None
    editor.post(url("activate", rule.pk), {"_apply": "1"})
    assert mapped(site.source)["1"] == {"story_points": 3}
    editor.post(url("delete", rule.pk), {"_apply": "1"})
    assert (mapped(site.source)["1"], site.rules()) == (None, [])


def test_a_viewer_sees_and_changes_nothing(site: Site) -> None:
    rule = site.rule()
    viewer = site.enter(Role.VIEWER)
    assert viewer.get(reverse(LIST)).status_code == 200
    text = text_of(viewer.get(reverse(LIST)))
    assert "Map as" not in text
    assert "not mapped" in text
    assert viewer.get(url("add")).status_code == 403
    assert viewer.post(url("change", rule.pk), posted(site, target="team")).status_code == 403
    assert viewer.post(url("preview"), posted(site)).status_code == 403
    assert site.rules()[0].target == "story_points"


def test_without_a_source_the_page_says_what_to_do_first() -> None:
    site = Site()
    with tenant_scope(site.source.tenant.pk):
        CustomField.objects.all().delete()
    editor = site.enter()
    assert "No source has told of custom fields" in text_of(editor.get(reverse(LIST)))
    with tenant_scope(site.source.tenant.pk):
        Integration.objects.all().delete()
    assert "Nothing is connected yet" in text_of(editor.get(reverse(LIST)))


def test_pages_ask_as_many_queries_for_many_fields_as_for_few(
    site: Site, editor: Client, django_assert_max_num_queries: Any
) -> None:
    editor.get(reverse(LIST))
    with django_assert_max_num_queries(40) as few:
        editor.get(reverse(LIST))
    with tenant_scope(site.source.tenant.pk):
        for number in range(30):
            site.field(f"customfield_5{number}", f"Field {number}")
    site.rule(field_source_id=TEAM)
    with django_assert_max_num_queries(len(few)):
        editor.get(reverse(LIST))
