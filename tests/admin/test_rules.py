"""Rules in the admin: saved as change-sets, previewed first, with errors at their fields."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from mappings.models import ChangeSet, StatusMapping, WitHierarchy, WitMapping, WorkflowStep
from tenants.models import Role
from tenants.scope import every_tenant
from tests.admin.rules_world import Editor

pytestmark = pytest.mark.django_db


@pytest.fixture
def editor(db: None) -> Editor:
    """Somebody who edits the rules of a tenant with loaded items."""
    return Editor()


def errors_of(page: str, field: str) -> str:
    """What a form says at a field."""
    found = re.search(rf'id="id_{field}_error".*?</ul>', page, re.DOTALL)
    if found is None:
        found = re.search(rf"field-{field}\b.*?(?=field-\w+ |</fieldset>)", page, re.DOTALL)
    return found.group() if found else ""


# ---- saving


def test_a_saved_rule_holds_at_once_and_is_one_change_set(editor: Editor) -> None:
    rule = editor.get(StatusMapping, from_name="doing")
    done = editor.get(WorkflowStep, name="Done")
    url = editor.url(StatusMapping, "change", rule.pk)
    versions = editor.versions()
    page = editor.post(url, editor.status_form(rule, step=done.pk))
    change_set = editor.newest()
    assert editor.versions() == [*versions, len(versions) + 1] == [*versions, change_set.version]
    assert change_set.origin == ChangeSet.Origin.FORM
    assert change_set.author_name == f"{editor.tenant.slug}-editor"
    assert change_set.touched_count == 18
    assert "18 work items changed" in page
    assert "Doing" not in {step for _, step in editor.mapped().values()}
    assert {step for _, step in editor.mapped().values()} == {"To Do", "Done"}


def test_the_category_of_a_rule_follows_its_step(editor: Editor) -> None:
    rule = editor.get(StatusMapping, from_name="doing")
    waiting = editor.get(WorkflowStep, name="Ready for Prod")
    form = editor.status_form(rule, step=waiting.pk)
    del form["category"]
    editor.post(editor.url(StatusMapping, "change", rule.pk), form)
    assert editor.get(StatusMapping, pk=rule.pk).category == "waiting"


def test_saving_what_is_there_changes_nothing_and_says_so(editor: Editor) -> None:
    rule = editor.get(StatusMapping, from_name="doing")
    versions = editor.versions()
    page = editor.post(editor.url(StatusMapping, "change", rule.pk), editor.status_form(rule))
    assert "Nothing was changed" in page
    assert editor.versions() == versions


def test_undo_in_the_message_takes_an_edit_back_and_brings_it_again(editor: Editor) -> None:
    before, mapped = editor.book(), editor.mapped()
    editor.post(editor.url(WitMapping, "add"), editor.type_form(from_name="Bug", project_key="OPS"))
    after = editor.book()
    assert {type_ for type_, _ in editor.mapped().values()} == {"Bug", "Story", "Thing"}
    undo = editor.url(ChangeSet, "undo", editor.newest().pk)
    page = editor.post(undo, {"_apply": "1"})
    assert "Bring it back" in page
    assert editor.book() == before
    assert editor.mapped() == mapped
    editor.post(editor.url(ChangeSet, "undo", editor.newest().pk), {"_apply": "1"})
    assert editor.book() == after


# ---- the panel


def test_the_panel_says_what_saving_then_does_and_changes_nothing(editor: Editor) -> None:
    rule = editor.get(StatusMapping, from_name="doing")
    done = editor.get(WorkflowStep, name="Done")
    form = editor.status_form(rule, step=done.pk, target="Finished")
    before, mapped = editor.book(), editor.mapped()
    panel = editor.preview(StatusMapping, form, rule)
    touched = re.search(r'data-touched="(\d+)"', panel)
    assert touched is not None
    for word in ("change status", "change category", "change step", "Finished", "Examples"):
        assert word in panel
    assert len(re.findall(r"/admin/warehouse/workitem/\d+/change/", panel)) == 10
    assert editor.book() == before
    assert editor.mapped() == mapped
    editor.post(editor.url(StatusMapping, "change", rule.pk), form)
    assert editor.newest().touched_count == int(touched.group(1)) == 18


def test_the_panel_says_when_nothing_changes(editor: Editor) -> None:
    rule = editor.get(StatusMapping, from_name="doing")
    assert "Nothing changes" in editor.preview(StatusMapping, editor.status_form(rule), rule)
    unused = editor.preview(WitMapping, editor.type_form(from_name="Unheard of"))
    assert "No work item changes" in unused


def test_the_panel_tells_apart_what_is_missing_and_what_is_wrong(editor: Editor) -> None:
    missing = editor.preview(WitMapping, editor.type_form(from_name="New", target=""))
    assert "Not complete yet" in missing
    assert "Becomes: This field is required." in missing
    wrong = editor.preview(WitMapping, editor.type_form(from_name="BUG "))
    assert "Cannot be saved yet" in wrong
    assert "There is a rule for this already" in wrong


def test_the_panel_of_a_workflow_previews_its_steps(editor: Editor) -> None:
    form = editor.workflow_form(**{"steps-commitment": "steps-4"})
    workflow = editor.get(WorkflowStep, name="Done").workflow_id
    panel = editor.post(reverse("admin:mappings_workflow_preview", args=(workflow,)), form)
    assert "Cycle time" in panel
    assert "2 change" in panel  # of the two steps between which the point moves


# ---- bad input


@pytest.mark.parametrize("name", ["bug", "BUG", " Bug  ", "b\u200bug", "Ｂｕｇ"])
def test_a_second_rule_for_the_same_name_is_refused_at_its_field(editor: Editor, name: str) -> None:
    before = editor.book()
    page = editor.post(editor.url(WitMapping, "add"), editor.type_form(from_name=name))
    assert "There is a rule for this already" in errors_of(page, "from_name")
    assert editor.book() == before


def test_letters_with_accents_are_other_letters(editor: Editor) -> None:
    editor.post(editor.url(WitMapping, "add"), editor.type_form(from_name="Büg"))
    assert editor.get(WitMapping, from_name="büg").target == "Thing"


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("target", "x" * 300, "at most 100 characters (it has 300)"),
        ("from_name", "x" * 300, "At most 255 characters; it has 300."),
        ("target", "\u200b", "Give a name that can be seen."),
        ("from_name", "\u200b", "Give a name or a source level, and not both."),
        ("hierarchy", "99999999", "Select a valid choice"),
        ("integration", "99999999", "Select a valid choice"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    editor: Editor, field: str, value: str, said: str
) -> None:
    before = editor.book()
    form = {**editor.type_form(from_name="New"), field: value}
    page = editor.post(editor.url(WitMapping, "add"), form)
    assert said in errors_of(page, field)
    assert editor.book() == before


@pytest.mark.parametrize("name", ["باگ مهم", "🐛 insect", "a‮b"])
def test_names_of_every_script_are_kept_apart_from_the_text_around_them(
    editor: Editor, name: str
) -> None:
    editor.post(editor.url(WitMapping, "add"), editor.type_form(from_name=name, target=name))
    assert f"<bdi>{name}</bdi>" in editor.post(editor.url(WitMapping, "changelist"), {})


def test_a_level_of_another_tenant_is_refused_like_one_that_is_not_there(editor: Editor) -> None:
    other = Editor("other")
    pages = []
    for level in (other.get(WitHierarchy, level=0).pk, 99_999_999):
        form = editor.type_form(from_name="New", hierarchy=level)
        page = editor.post(editor.url(WitMapping, "add"), form)
        pages.append(errors_of(page, "hierarchy"))
    assert pages[0] == pages[1]
    assert "Select a valid choice" in pages[0]


def test_a_rule_may_not_be_given_a_step_of_another_tenant(editor: Editor) -> None:
    other = Editor("other")
    rule = editor.get(StatusMapping, from_name="doing")
    step = other.get(WorkflowStep, name="Done")
    form = editor.status_form(rule, step=step.pk)
    page = editor.post(editor.url(StatusMapping, "change", rule.pk), form)
    assert "Select a valid choice" in errors_of(page, "step")
    assert "Cannot be saved yet" in editor.preview(StatusMapping, form, rule)


# ---- lists and tools


def test_the_list_counts_items_and_warns_of_rules_that_match_nothing(editor: Editor) -> None:
    editor.post(editor.url(WitMapping, "add"), editor.type_form(from_name="Unheard of"))
    page = editor.client.get(editor.url(WitMapping, "changelist")).content.decode()
    assert page.count("matches nothing") == 1
    assert page.count(">12</span>") == 2
    for query, rows in (("use=no", 1), ("use=yes", 2), ("target_is=Bug", 1), ("q=unheard", 1)):
        found = editor.client.get(f"{editor.url(WitMapping, 'changelist')}?{query}")
        assert found.content.decode().count('name="_selected_action"') == rows, query


def test_a_rule_says_where_it_wins_and_to_whom_it_loses(editor: Editor) -> None:
    editor.post(editor.url(WitMapping, "add"), editor.type_form(from_name="Bug", project_key="OPS"))
    wide = editor.get(WitMapping, from_name="bug", project_key="")
    narrow = editor.get(WitMapping, from_name="bug", project_key="OPS")
    page = editor.client.get(editor.url(WitMapping, "change", wide.pk)).content.decode()
    assert "2 places, in 1 of them another rule wins" in page
    assert editor.url(WitMapping, "change", narrow.pk) in page
    assert "it is for all projects" in page


def test_a_name_can_be_tried(editor: Editor) -> None:
    editor.post(
        editor.url(WitMapping, "add"),
        editor.type_form(from_name="Bug", integration=editor.integration.pk, target="Defect"),
    )
    query = {"integration": editor.integration.pk, "type": " BUG", "project": "SHOP", "level": ""}
    page = editor.client.get(editor.url(WitMapping, "try"), query).content.decode()
    assert page.index("Defect on 0 Story") < page.index("Bug on 0 Story")
    assert "Wins: it names the integration" in page
    nothing = editor.client.get(editor.url(WitMapping, "try"), {**query, "type": "Unheard of"})
    assert "Add a rule for it" in nothing.content.decode()
    status = {"integration": editor.integration.pk, "status": "doing"}
    page = editor.client.get(editor.url(StatusMapping, "try"), status).content.decode()
    assert "Doing, In progress, step In Progress" in page


def test_forms_suggest_names_that_occur_and_none_of_another_tenant(editor: Editor) -> None:
    other = Editor("elsewhere")
    page = editor.client.get(editor.url(StatusMapping, "add")).content.decode()
    for value in ("Doing", "SHOP", "Bug"):
        assert f'<option value="{value}" label="{editor.integration.name}"' in page
    assert other.integration.name not in page


# ---- who may


def test_a_viewer_reads_rules_and_writes_none(editor: Editor) -> None:
    viewer = editor.entered(Role.VIEWER)
    rule = editor.get(StatusMapping, from_name="doing")
    page = viewer.get(editor.url(StatusMapping, "change", rule.pk))
    assert page.status_code == 200
    assert b"data-preview" not in page.content
    before = editor.book()
    form = editor.status_form(rule, target="Else")
    for url in (
        editor.url(StatusMapping, "change", rule.pk),
        editor.url(StatusMapping, "preview", rule.pk),
        editor.url(StatusMapping, "delete", rule.pk),
        editor.url(StatusMapping, "bulk", "delete"),
    ):
        assert viewer.post(url, {**form, "ids": rule.pk, "_apply": "1"}).status_code == 403
    assert editor.book() == before


def test_an_operator_of_every_tenant_is_told_to_choose_one(editor: Editor) -> None:
    operator = Client()
    operator.force_login(User.objects.create(username="operator", is_superuser=True))
    operator.post(reverse("admin:choose_tenant"), {"tenant": "every"})
    rule = editor.get(StatusMapping, from_name="doing")
    page = operator.get(editor.url(StatusMapping, "changelist"))
    assert "choose a tenant" in page.content.decode()
    form = editor.status_form(rule, target="Else")
    assert operator.post(editor.url(StatusMapping, "change", rule.pk), form).status_code == 403
    operator.post(reverse("admin:choose_tenant"), {"tenant": editor.tenant.pk})
    operator.post(editor.url(StatusMapping, "change", rule.pk), form)
    assert editor.get(StatusMapping, pk=rule.pk).target == "Else"


def test_edits_of_one_tenant_leave_the_other_alone(editor: Editor) -> None:
    other = Editor("other")
    before = other.book()
    with every_tenant("the test takes rules of both"):
        ids = list(WitMapping.objects.values_list("pk", flat=True))
    data: dict[str, Any] = {"ids": ",".join(map(str, ids)), "move_0": "next", "_apply": "1"}
    editor.post(editor.url(WitMapping, "bulk", "delete"), data)
    assert other.book() == before
    assert editor.book().rows["wit_mappings"] == {}


def test_a_rule_that_loses_everywhere_is_told_from_one_that_matches_nothing(
    editor: Editor,
) -> None:
    editor.post(editor.url(WitMapping, "add"), editor.type_form(from_level=0))
    editor.post(editor.url(WitMapping, "add"), editor.type_form(from_level=7))
    page = editor.client.get(editor.url(WitMapping, "changelist")).content.decode()
    assert page.count(">wins nowhere</span>") == 1
    assert page.count(">matches nothing</span>") == 1


def test_pages_ask_as_many_queries_for_many_rules_as_for_few(
    editor: Editor, django_assert_max_num_queries: Any
) -> None:
    rule = editor.get(StatusMapping, from_name="doing")
    step = editor.get(WorkflowStep, name="In Progress")
    urls = [
        editor.url(StatusMapping, "changelist"),
        editor.url(StatusMapping, "change", rule.pk),
        editor.url(StatusMapping, "delete", rule.pk),
        editor.url(StatusMapping, "history", rule.pk),
        editor.url(WitHierarchy, "changelist"),
        reverse("admin:mappings_workflow_changelist"),
        reverse("admin:mappings_workflow_change", args=(step.workflow_id,)),
        reverse("admin:mappings_workflow_delete", args=(step.workflow_id,)),
        reverse("admin:mappings_status_changelist"),
        reverse("admin:mappings_wit_changelist"),
    ]
    asked = {}
    for url in urls:
        editor.client.get(url)
        with django_assert_max_num_queries(60) as few:
            editor.client.get(url)
        asked[url] = len(few)
    with editor.scope():
        for number in range(30):
            StatusMapping.objects.create(
                tenant=editor.tenant,
                from_name=f"status {number}",
                target="Doing",
                category="in_progress",
                step=step,
                integration=editor.integration,
            )
    for url, count in asked.items():
        with django_assert_max_num_queries(count):
            editor.client.get(url)


def test_a_form_that_somebody_else_has_overtaken_is_not_saved_unseen(editor: Editor) -> None:
    rule = editor.get(StatusMapping, from_name="doing")
    url = editor.url(StatusMapping, "change", rule.pk)
    opened = re.search(r'name="_version" value="(\d+)"', editor.post(url, {}))
    assert opened is not None
    version = opened.group(1)
    editor.post(url, editor.status_form(rule, target="First", _version=version))
    page = editor.post(url, editor.status_form(rule, target="Second", _version=version))
    assert "changed this since you opened it" in page
    assert editor.get(StatusMapping, pk=rule.pk).target == "First"
    again = re.search(r'name="_version" value="(\d+)"', page)
    assert again is not None
    editor.post(url, editor.status_form(rule, target="Second", _version=again.group(1)))
    assert editor.get(StatusMapping, pk=rule.pk).target == "Second"
