"""CSV goes out for whoever may read, and comes in for whoever may edit, after a look at it."""

import asyncio
import html
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import AsyncClient, Client
from django.urls import reverse

from mappings.admin import exchange_uploads as uploads
from mappings.exchange.reading import MOST_BYTES
from mappings.exchange.tables import TABLES
from mappings.models import ChangeSet, WitMapping
from tenants.models import Membership, Role
from tenants.scope import tenant_scope
from tests.mappings.exchange_world import Ruled, table

pytestmark = pytest.mark.django_db

TYPES = TABLES["wit-mappings"].columns
GOOD = table(
    TYPES, ("jira", "", "bug", "", "Defect", 0, "yes"), ("", "", "spike", "", "Spike", 0, "")
)
BAD = table(TYPES, ("jira", "", "bug", "", "Defect", 77, "yes"))


@pytest.fixture
def acme() -> Ruled:
    return Ruled("acme")


@pytest.fixture
def editor(acme: Ruled) -> Client:
    return member(acme, Role.EDITOR)


def member(ruled: Ruled, role: Role) -> Client:
    user, is_new = User.objects.get_or_create(username=f"{ruled.tenant.slug}-{role.value}")
    if is_new:
        with ruled.scope():
            Membership.objects.create(tenant=ruled.tenant, user=user, role=role)
    client = Client()
    client.force_login(user)
    return client


def chosen(client: Client, text: str | bytes, **values: Any) -> Any:
    """Choose a file, and follow to its preview."""
    content = text.encode() if isinstance(text, str) else text
    file = SimpleUploadedFile("rules.csv", content, content_type="text/csv")
    address = reverse("admin:mappings_import", args=("wit-mappings",))
    return client.post(address, {"file": file, **values}, follow=True)


def text_of(response: Any) -> str:
    return html.unescape(response.content.decode())


def key_of(response: Any) -> str:
    return str(response.redirect_chain[-1][0].rstrip("/").split("/")[-1])


def apply(client: Client, key: str, response: Any, **values: Any) -> Any:
    address = reverse("admin:mappings_import_file", args=(key,))
    posted = {"version": response.context["version"], **values}
    return client.post(address, posted, follow=True)


def targets(ruled: Ruled) -> dict[str, str]:
    with ruled.scope():
        return dict(WitMapping.objects.exclude(from_name="").values_list("from_name", "target"))


@pytest.mark.parametrize("slug", TABLES)
@pytest.mark.parametrize("role", list(Role))
def test_each_table_is_exported_for_every_role(slug: str, role: Role, acme: Ruled) -> None:
    answer = member(acme, role).get(reverse("admin:mappings_export", args=(slug,)))
    assert answer.status_code == 200
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert re.fullmatch(
        rf'attachment; filename="acme-{slug}-\d{{4}}-\d\d-\d\d.csv"', answer["Content-Disposition"]
    )
    assert answer.getvalue().decode() == acme.export(slug)


def test_for_excel_the_file_begins_with_a_byte_order_mark(editor: Client) -> None:
    address = reverse("admin:mappings_export", args=("hierarchies",))
    answer = editor.get(address, {"for": "excel"})
    assert answer.getvalue().startswith(b"\xef\xbb\xbflevel,name,active\r\n")


@pytest.mark.django_db(transaction=True)
def test_an_asynchronous_server_streams_it_in_the_tenants_scope(acme: Ruled) -> None:
    with acme.scope():
        WitMapping.objects.bulk_create(
            WitMapping(
                tenant=acme.tenant,
                from_name=f"name {number}",
                target="x",
                hierarchy=WitMapping.objects.filter(from_name="bug").get().hierarchy,
            )
            for number in range(1_200)
        )
    member(acme, Role.VIEWER)
    user = User.objects.get(username="acme-viewer")

    async def pieces() -> list[bytes]:
        client = AsyncClient()
        await client.aforce_login(user)
        answer: Any = await client.get(reverse("admin:mappings_export", args=("wit-mappings",)))
        return [piece async for piece in answer.streaming_content]

    found = asyncio.run(pieces())
    assert len(found) > 2
    assert b"".join(found).decode() == acme.export("wit-mappings")


def test_a_file_is_shown_row_by_row_and_nothing_is_written(acme: Ruled, editor: Client) -> None:
    before = acme.book()
    page = chosen(editor, GOOD)
    text = text_of(page)
    assert "1 added" in text
    assert "1 changed" in text
    assert "jira · bug" in text
    assert re.search(r'exchange-before">Bug</bdi>.*?<bdi>Defect</bdi>', text, re.DOTALL)
    assert 'data-touched="0"' in text
    assert acme.book() == before


def test_what_was_shown_is_imported_as_one_change_set_with_undo(
    acme: Ruled, editor: Client
) -> None:
    before = acme.book()
    page = chosen(editor, GOOD)
    done = apply(editor, key_of(page), page)
    assert targets(acme)["bug"] == "Defect"
    assert targets(acme)["spike"] == "Spike"
    text = text_of(done)
    assert "Imported WIT mappings: 1 added, 1 changed" in text
    with acme.scope():
        change_set = ChangeSet.objects.get(origin=ChangeSet.Origin.IMPORT)
        assert change_set.author_name == "acme-editor"
    editor.post(reverse("admin:mappings_changeset_undo", args=(change_set.pk,)), {"_apply": "1"})
    assert acme.book() == before


def test_a_file_with_a_wrong_cell_cannot_be_imported(acme: Ruled, editor: Client) -> None:
    before = acme.book()
    page = chosen(editor, BAD)
    assert "there is no level 77; yours: 4, 3, 2, 1, 0, -1" in text_of(page)
    assert ">Import<" not in text_of(page)
    again = apply(editor, key_of(page), page)
    assert "there is no level 77" in text_of(again)
    assert acme.book() == before


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"a,b\n1,2\n", "there is no column “a”"),
        (GOOD.encode("utf-16-le"), "UTF-16 without a byte order mark"),
        ("x,\xe9\n".encode("latin-1"), "is not UTF-8"),
        (b"\0" * 3, "UTF-16 without a byte order mark"),
        (b'integration,"', "never closed"),
    ],
)
def test_what_is_no_such_file_is_said_on_its_page(data: bytes, words: str, editor: Client) -> None:
    page = chosen(editor, data)
    assert page.status_code == 200
    assert words in text_of(page)


def test_a_file_that_is_too_large_or_none_is_refused_at_once(acme: Ruled, editor: Client) -> None:
    page = chosen(editor, b"x" * (MOST_BYTES + 1))
    assert "5,000,001 bytes; 5,000,000 are possible" in text_of(page)
    address = reverse("admin:mappings_import", args=("wit-mappings",))
    assert "Choose a CSV file" in text_of(editor.post(address, {}, follow=True))
    assert "file is empty" in text_of(chosen(editor, b"\n"))


def test_an_import_is_refused_when_rules_changed_since_it_was_shown(
    acme: Ruled, editor: Client
) -> None:
    first, second = chosen(editor, GOOD), chosen(editor, GOOD.replace("Defect", "Fault"))
    apply(editor, key_of(first), first)
    page = apply(editor, key_of(second), second)
    assert "The rules were changed meanwhile" in text_of(page)
    assert targets(acme)["bug"] == "Defect"
    assert re.search(r'exchange-before">Defect</bdi>.*?<bdi>Fault</bdi>', text_of(page), re.DOTALL)
    apply(editor, key_of(second), page)
    assert targets(acme)["bug"] == "Fault"


def test_an_imported_or_cancelled_file_is_gone(acme: Ruled, editor: Client) -> None:
    first, second = chosen(editor, GOOD), chosen(editor, GOOD)
    apply(editor, key_of(first), first)
    apply(editor, key_of(second), second, cancel="1")
    for page in (first, second):
        address = reverse("admin:mappings_import_file", args=(key_of(page),))
        assert editor.get(address).status_code == 404


def test_rows_that_replacing_removes_are_counted_on_the_button(acme: Ruled, editor: Client) -> None:
    page = chosen(editor, GOOD, mode="replace")
    removed = len(acme.book()["wit_mappings"]) - 1
    assert f"Import and remove {removed} rows" in text_of(page)
    apply(editor, key_of(page), page)
    assert targets(acme) == {"bug": "Defect", "spike": "Spike"}


def test_removing_what_is_in_use_is_said_on_the_page(acme: Ruled, editor: Client) -> None:
    file = SimpleUploadedFile("levels.csv", b"level,name,active\n9,Top,yes\n")
    address = reverse("admin:mappings_import", args=("hierarchies",))
    page = editor.post(address, {"file": file, "mode": "replace"}, follow=True)
    assert "is still used by" in text_of(page)
    assert ">Import" not in text_of(page).split("<h1>")[1]


def test_a_file_that_says_what_is_so_already_changes_nothing(acme: Ruled, editor: Client) -> None:
    page = chosen(editor, acme.export("wit-mappings"))
    assert "Nothing changes" in text_of(page)


def test_a_viewer_imports_nothing_and_is_offered_nothing(acme: Ruled) -> None:
    viewer = member(acme, Role.VIEWER)
    assert chosen(viewer, GOOD).status_code == 403
    page = text_of(viewer.get(reverse("admin:mappings_exchange")))
    assert "Export CSV" in page
    assert 'type="file"' not in page
    assert "Import CSV" not in text_of(viewer.get(reverse("admin:mappings_witmapping_changelist")))


def test_each_list_leads_to_its_csv(editor: Client) -> None:
    for each in TABLES.values():
        page = text_of(editor.get(reverse(f"admin:{each.page}_changelist")))
        assert reverse("admin:mappings_export", args=(each.slug,)) in page, each.slug
        assert f"?table={each.slug}#{each.slug}" in page, each.slug


def test_a_file_is_found_by_who_chose_it_in_its_tenant_only(acme: Ruled, editor: Client) -> None:
    key = key_of(chosen(editor, GOOD))
    address = reverse("admin:mappings_import_file", args=(key,))
    nobodys = reverse("admin:mappings_import_file", args=("x" * len(key),))
    globex = Ruled("globex")
    for other in (member(acme, Role.ADMIN), member(globex, Role.EDITOR)):
        foreign, missing = other.get(address), other.get(nobodys)
        assert foreign.status_code == missing.status_code == 404
        assert text_of(foreign).replace(key, "") == text_of(missing).replace("x" * len(key), "")
        assert other.post(address, {"version": "0"}).status_code == 404
    assert editor.get(address).status_code == 200


def test_a_kept_file_lets_nobody_in_by_its_key(acme: Ruled, editor: Client) -> None:
    key = key_of(chosen(editor, GOOD))
    thief = Client()
    thief.cookies["sessionid"] = key
    assert thief.get(reverse("admin:index")).status_code == 302


def test_a_kept_file_comes_back_byte_for_byte(acme: Ruled) -> None:
    data = bytes(range(256)) * 4_000
    kept = uploads.Upload(1, 2, "workflows", "naïve.csv", True, 7, data)
    key = uploads.keep(kept)
    assert uploads.find(key, 1, 2) == kept
    assert uploads.find(key, 1, 3) is None
    assert uploads.find(key, 2, 2) is None
    uploads.forget(key)
    assert uploads.find(key, 1, 2) is None


def test_hostile_text_of_a_file_is_shown_as_it_is(acme: Ruled, editor: Client) -> None:
    evil = "<script>alert(1)</script>"
    page = chosen(editor, table(TYPES, ("", "", evil, "", evil, 0, ""))).content.decode()
    assert evil not in page
    assert html.escape(evil) in page
    wrong = chosen(editor, table(TYPES, (evil, "", "x", "", "x", 0, ""))).content.decode()
    assert evil not in wrong


def test_a_name_of_another_tenant_is_neither_found_nor_told(acme: Ruled, editor: Client) -> None:
    globex = Ruled("globex", integration="secret-site")
    page = text_of(chosen(editor, table(TYPES, ("secret-site", "", "x", "", "x", 0, ""))))
    assert "there is no integration “secret-site”; yours: jira" in page
    with tenant_scope(globex.tenant.pk):
        assert not WitMapping.objects.filter(from_name="x").exists()
