"""Search of Cloud and Data Center: pages, fields, changelogs, counts."""

import base64
import json

import pytest

from sandbox.generate.world import World
from sandbox.options import Options
from tests.sandbox.jira_client import Client

ALL = "created >= 0 ORDER BY updated ASC, id ASC"


def test_without_fields_an_issue_is_its_id(jira: Client) -> None:
    page = jira.search("project = SHOP", maxResults=2)
    assert [list(issue) for issue in page["issues"]] == [["id"], ["id"]]
    assert page["isLast"] is False
    assert page["nextPageToken"]


def test_only_ids_come_in_pages_of_thousands(jira: Client) -> None:
    assert len(jira.search(ALL, maxResults=5_000)["issues"]) == 200
    assert len(jira.search(ALL, maxResults=5_000, fields=["key"])["issues"]) == 200
    assert len(jira.search(ALL, maxResults=5_000, fields=["summary"])["issues"]) == 100


def test_fields_are_those_that_were_named(jira: Client) -> None:
    issue = jira.search("key = SHOP-2", fields=["summary", "nonsense", "status"])["issues"][0]
    assert set(issue["fields"]) == {"summary", "status"}
    whole = jira.search("key = SHOP-2", fields=["*all"])["issues"][0]["fields"]
    navigable = jira.search("key = SHOP-2", fields=["*navigable"])["issues"][0]["fields"]
    assert set(whole) - set(navigable) == {"worklog", "timetracking"}
    less = jira.search("key = SHOP-2", fields=["*all", "-summary"])["issues"][0]["fields"]
    assert set(whole) - set(less) == {"summary"}


def test_names_and_schema_come_when_asked_for(jira: Client) -> None:
    page = jira.search("key = SHOP-2", fields=["customfield_10026"], expand="names,schema")
    assert page["names"] == {"customfield_10026": "Story Points"}
    assert page["schema"]["customfield_10026"]["type"] == "number"


def test_expand_as_a_list_is_refused(jira: Client) -> None:
    answer = jira.post("/search/jql", jql=ALL, expand=["changelog"])
    assert answer.status_code == 400
    assert "Invalid request payload" in answer.text


def test_the_newest_forty_histories_come_with_the_true_total(jira: Client) -> None:
    row = jira.rows("work_items")[1]
    for _ in range(45 - row["histories"]):
        jira.mutate("edit", ids=[row["key"]], what="summary")
    issue = jira.search(f"key = {row['key']}", fields=["summary"], expand="changelog")["issues"][0]
    changelog = issue["changelog"]
    assert (len(changelog["histories"]), changelog["total"]) == (40, 45)
    oldest = jira.get(f"/issue/{row['key']}/changelog", maxResults=3).json()
    assert oldest["total"] == 45
    assert oldest["isLast"] is False
    newest_first = [history["id"] for history in changelog["histories"]]
    assert oldest["values"][0]["id"] not in newest_first
    last = jira.get(f"/issue/{row['key']}/changelog", startAt=44).json()
    assert [history["id"] for history in last["values"]] == newest_first[:1]
    assert last["isLast"] is True


def test_a_token_that_was_changed_with_care_is_refused_as_well(jira: Client) -> None:
    token = jira.search(ALL, maxResults=10)["nextPageToken"]
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    signature, body = raw[:16], json.loads(raw[16:])
    body[-1][-1] += 1
    forged = base64.urlsafe_b64encode(signature + json.dumps(body).encode()).decode().rstrip("=")
    answer = jira.post("/search/jql", jql=ALL, nextPageToken=forged)
    assert "it was changed" in answer.json()["errorMessages"][0]


@pytest.mark.parametrize("order", ["id ASC", "id DESC", "key DESC"])
@pytest.mark.parametrize("direction", ["ASC", "DESC"])
def test_issues_of_one_millisecond_are_paged_by_the_next_field(
    jira: Client, direction: str, order: str
) -> None:
    store = jira.organisation.jira
    at = store.time_text(store.clock.tick())
    for row in range(20, 60):
        issue = store.issue(row)
        issue["fields"]["updated"] = at
        store.put(row, issue)
    jql = f"created >= 0 ORDER BY updated {direction}, {order}"
    at_once = jira.keys(jql)
    assert [issue["key"] for issue in jira.all(jql, fields=["key"], maxResults=7)] == at_once
    number = {store.key(row): store.facts(row).id for row in range(20, 60)}
    expected = sorted(number, key=number.__getitem__)
    if order.startswith("key"):
        expected = sorted(number, key=lambda key: (key.split("-")[0], int(key.split("-")[1])))
    among = [key for key in at_once if key in number]
    assert among == (expected[::-1] if order.endswith("DESC") else expected)


@pytest.mark.parametrize(
    "change", ["mutated", "another query", "another account", "expired", "old"]
)
def test_a_page_token_is_good_for_its_query_and_for_a_week(jira: Client, change: str) -> None:
    token, jql = jira.search(ALL, maxResults=10)["nextPageToken"], ALL
    assert jira.search(ALL, nextPageToken=token, maxResults=10)["issues"]
    if change == "mutated":
        token = token[:-2] + ("AA" if token[-2:] != "AA" else "BB")
    elif change == "another query":
        jql = "created >= 1 ORDER BY updated ASC, id ASC"
    elif change == "another account":
        jira.sign_in(account="restricted")
    elif change == "expired":
        jira.control("clock", advance_seconds=8 * 86_400)
    else:
        jira.control("expire", search_tokens=True)
    answer = jira.post("/search/jql", jql=jql, nextPageToken=token)
    assert answer.status_code == 400
    assert "next page token" in answer.json()["errorMessages"][0]


def test_deleted_and_moved_rows_do_not_shift_the_pages(jira: Client) -> None:
    before = {row["source_id"] for row in jira.rows("work_items")}
    seen: list[str] = []
    for number, page in enumerate(jira.pages(ALL, maxResults=20)):
        seen += [issue["id"] for issue in page["issues"]]
        if number < 3:
            jira.mutate("delete", ids=seen[:2] if number == 0 else [seen[2 * number]])
    gone = {row["source_id"] for row in jira.http.get("/ledger/gone").json()["work_items"]}
    assert len(gone) == 4
    assert len(seen) == len(set(seen))
    assert before - gone <= set(seen)


@pytest.mark.parametrize(
    "options",
    [
        Options(short_pages=True),
        Options(empty_pages=True),
        Options(omit_is_last=True),
        Options(short_pages=True, empty_pages=True, omit_is_last=True),
    ],
)
def test_awkward_pages_still_hold_everything_once(options: Options) -> None:
    jira = Client(World(items=200, seed=4, shape="v3"), options)
    pages = list(jira.pages(ALL, maxResults=20))
    ids = [issue["id"] for page in pages for issue in page["issues"]]
    assert len(ids) == len(set(ids)) == 200
    sizes = {len(page["issues"]) for page in pages[:-1]}
    assert (0 in sizes) is options.empty_pages
    assert (len(sizes - {0}) > 1) is options.short_pages
    assert all(("isLast" in page) is not options.omit_is_last for page in pages)


def test_an_index_that_lags_finds_a_change_later() -> None:
    jira = Client(World(items=50, seed=4, shape="v3"), Options(index_lag_seconds=120))
    since = jira.organisation.clock.now
    changed = jira.mutate("edit", count=1)["ids"]
    made = jira.mutate("create")["ids"]
    query = f"updated > {since}"
    assert jira.all(query) == []
    assert jira.get(f"/issue/{made[0]}").status_code == 200
    reconciled = jira.search(query, reconcileIssues=[int(made[0])])["issues"]
    assert [issue["id"] for issue in reconciled] == made
    jira.control("clock", advance_seconds=120)
    assert {issue["id"] for issue in jira.all(query)} == {*changed, *made}


def test_a_flickering_index_forgets_a_fresh_issue_for_once() -> None:
    jira = Client(World(items=50, seed=4, shape="v3"), Options(index_flicker=0.5))
    since = jira.organisation.clock.now
    jira.mutate("edit", count=5)
    found = [len(jira.all(f"updated > {since}")) for _ in range(20)]
    assert max(found) == 5
    assert min(found) < 5
    jira.control("clock", advance_seconds=700)
    assert len(jira.all(f"updated > {since}")) == 5


def test_the_old_search_is_gone_and_names_what_came_after(jira: Client) -> None:
    for answer in (jira.get("/search", jql=ALL), jira.post("/search", jql=ALL)):
        assert answer.status_code == 410
        assert "/rest/api/3/search/jql" in answer.json()["errorMessages"][0]


def test_a_count_agrees_with_the_pages(jira: Client) -> None:
    for jql in ("project = SHOP", "project = SHOP AND status = Done", "created >= 1770000000000"):
        count = jira.post("/search/approximate-count", jql=jql).json()["count"]
        assert count == len(jira.all(jql)) > 0


def test_bulk_fetch_leaves_out_what_is_not_there(jira: Client) -> None:
    gone = jira.mutate("delete", count=1)["ids"]
    moved = jira.mutate("move", ids=["SHOP-2"], project="PAY")
    answer = jira.post(
        "/issue/bulkfetch", issueIdsOrKeys=["SHOP-3", "SHOP-2", *gone], fields=["id"]
    )
    body = answer.json()
    assert [issue["id"] for issue in body["issues"]] == sorted([*moved["ids"], "100002"], key=int)
    assert body["issueErrors"] == []
    many = jira.post("/issue/bulkfetch", issueIdsOrKeys=[str(n) for n in range(101)])
    assert many.status_code == 400


def test_bulk_changelogs_come_by_date_and_hold_every_history_once(jira: Client) -> None:
    keys = ["SHOP-2", "SHOP-3", "PAY-2"]
    token: dict[str, str] = {}
    found: list[tuple[str, str, int]] = []
    newest = 0
    issues_of_pages: list[list[str]] = []
    for _ in range(500):
        page = jira.post("/changelog/bulkfetch", issueIdsOrKeys=keys, maxResults=4, **token).json()
        logs = page["issueChangeLogs"]
        issues_of_pages.append([log["issueId"] for log in logs])
        found += [
            (log["issueId"], h["id"], h["created"]) for log in logs for h in log["changeHistories"]
        ]
        dates = [history["created"] for log in logs for history in log["changeHistories"]]
        assert min(dates) >= newest
        newest = max(dates)
        if "nextPageToken" not in page:
            break
        token = {"nextPageToken": page["nextPageToken"]}
    expected = {
        (row["work_item_source_id"], row["source_id"])
        for row in jira.rows("work_item_changelogs")
        if row["work_item_key"] in keys
    }
    assert len(found) == len(expected)
    assert {(issue, history) for issue, history, _ in found} == expected
    assert all(isinstance(created, int) for _, _, created in found)
    spanning = [issue for page in issues_of_pages for issue in page]
    assert len(spanning) > len(set(spanning))
    too_many = jira.post("/changelog/bulkfetch", issueIdsOrKeys=[str(n) for n in range(1_001)])
    assert too_many.status_code == 400


def test_self_links_lead_to_where_one_asked(jira: Client) -> None:
    link = jira.get("/issue/SHOP-1").json()["self"]
    assert link == "http://testserver/jira/rest/api/3/issue/100000"
    assert jira.http.get(link).json()["key"] == "SHOP-1"


class TestDataCenter:
    """The other Jira: version 2, pages by number, people by key."""

    @pytest.fixture
    def site(self) -> Client:
        """A Data Center of 120 work items."""
        world = World(items=120, seed=4, shape="v2")
        return Client(world, Options(mode="datacenter"))

    def _page(self, site: Client, start: int, **more: str) -> dict[str, object]:
        path = "/jira/rest/api/2/search"
        answer = site.get(path, jql=ALL, startAt=start, maxResults=50, **more)
        assert answer.status_code == 200
        page: dict[str, object] = answer.json()
        return page

    def test_it_pages_by_number_with_a_total(self, site: Client) -> None:
        pages = [self._page(site, start) for start in (0, 50, 100)]
        ids = [issue["id"] for page in pages for issue in page["issues"]]  # type: ignore[attr-defined]
        assert {page["total"] for page in pages} == {120}
        assert len(ids) == len(set(ids)) == 120

    def test_its_changelogs_are_whole_and_its_people_have_keys(self, site: Client) -> None:
        for _ in range(50):
            site.mutate("edit", ids=["SHOP-2"], what="summary")
        answer = site.get("/jira/rest/api/2/issue/SHOP-2", expand="changelog").json()
        changelog = answer["changelog"]
        assert len(changelog["histories"]) == changelog["total"] > 50
        assert "accountId" not in answer["fields"]["reporter"]
        assert answer["fields"]["reporter"]["key"].startswith("JIRAUSER")
        assert answer["fields"]["customfield_10014"] == "SHOP-1"

    def test_it_has_nothing_of_cloud(self, site: Client) -> None:
        for path in ("/jira/rest/api/2/project/search", "/jira/rest/api/3/myself"):
            assert site.get(path).status_code == 404
        assert site.post("/jira/rest/api/2/search/jql", jql=ALL).status_code in (404, 405)
        assert site.get("/jira/rest/api/2/issue/SHOP-2/changelog").status_code == 404

    def test_it_says_who_one_is(self, site: Client) -> None:
        answer = site.get("/jira/rest/api/2/myself")
        assert answer.headers["x-ausername"] == "full"
        site.sign_in("personal_expired")
        answer = site.get("/jira/rest/api/2/myself")
        assert (answer.status_code, answer.headers["x-ausername"]) == (401, "anonymous")
