"""Rate limits of Jira, and the requests that come although they were told not to."""

from datetime import UTC, datetime
from typing import Any

import pytest

from sandbox.generate.world import World
from sandbox.options import Options
from tests.sandbox.jira_client import Client

ALL = "created >= 0"


class _Time:
    """A clock for limits that is moved by hand."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def time(jira: Client) -> _Time:
    moved = _Time()
    jira.organisation.limits.now = moved
    return moved


def _limit(jira: Client, **rule: Any) -> None:
    jira.control("limits", rules=[rule])


def _violations(jira: Client) -> int:
    count: int = jira.http.get("/ledger/requests").json()["violations"]
    return count


@pytest.mark.parametrize(
    "kind",
    [
        "jira-burst-based",
        "jira-quota-global-based",
        "jira-quota-tenant-based",
        "jira-cost-based",
        "jira-per-issue-on-write",
    ],
)
def test_a_refusal_says_why_and_until_when(jira: Client, time: _Time, kind: str) -> None:
    _limit(jira, kind=kind, limit=2, window_seconds=30)
    assert [jira.get("/myself").status_code for _ in range(3)] == [200, 200, 429]
    refused = jira.get("/myself")
    assert refused.headers["ratelimit-reason"] == kind
    assert refused.headers["retry-after"] == "30"
    time.seconds += 31
    assert jira.get("/myself").status_code == 200


def test_a_burst_is_counted_by_endpoint(jira: Client, time: _Time) -> None:
    _limit(jira, kind="jira-burst-based", limit=1, window_seconds=30)
    assert jira.get("/issue/SHOP-1").status_code == 200
    assert jira.get("/issue/SHOP-2").status_code == 429
    assert jira.get("/issue/SHOP-2/changelog").status_code == 200
    assert jira.get("/myself").status_code == 200


def test_points_count_the_issues_of_an_answer(jira: Client, time: _Time) -> None:
    _limit(jira, kind="jira-quota-tenant-based", limit=250, window_seconds=3_600)
    answer = jira.post("/search/jql", jql=ALL, fields=["key"], maxResults=100)
    assert answer.headers["x-ratelimit-limit"] == "250"
    assert answer.headers["x-ratelimit-remaining"] == "149"
    assert "x-ratelimit-nearlimit" not in answer.headers
    answer = jira.post("/search/jql", jql=ALL, fields=["key"], maxResults=120)
    assert answer.headers["x-ratelimit-remaining"] == "28"
    assert answer.headers["x-ratelimit-nearlimit"] == "true"
    assert jira.post("/search/jql", jql=ALL, maxResults=100).headers["x-ratelimit-remaining"] == "0"
    assert jira.get("/myself").status_code == 429


@pytest.mark.parametrize(("written", "length"), [("seconds", 20), ("minutes", 17)])
def test_the_reset_is_written_with_or_without_seconds(
    jira: Client, time: _Time, written: str, length: int
) -> None:
    kind = "jira-quota-tenant-based"
    _limit(jira, kind=kind, limit=9, window_seconds=90, reset_format=written)
    text = jira.get("/myself").headers["x-ratelimit-reset"]
    assert len(text) == length
    ahead = datetime.fromisoformat(text) - datetime.now(UTC)
    assert 85 <= ahead.total_seconds() <= 155


@pytest.mark.parametrize(
    "rule", [{"kind": "jira-gateway"}, {"kind": "jira-cost-based", "headers": False}]
)
def test_a_refusal_may_say_nothing(jira: Client, time: _Time, rule: dict[str, Any]) -> None:
    _limit(jira, limit=0, window_seconds=30, **rule)
    refused = jira.get("/myself")
    assert refused.status_code == 429
    assert {"retry-after", "ratelimit-reason", "x-ratelimit-reset"}.isdisjoint(refused.headers)


def test_data_center_says_how_its_bucket_fills() -> None:
    site = Client(World(items=20, shape="v2"), Options(mode="datacenter"))
    _limit(site, kind="jira-datacenter", limit=1, window_seconds=60)
    path = "/jira/rest/api/2/myself"
    answers = [site.get(path), site.get(path)]
    assert [answer.status_code for answer in answers] == [200, 429]
    for answer in answers:
        assert answer.headers["x-ratelimit-interval-seconds"] == "60"
        assert answer.headers["x-ratelimit-fillrate"] == "1"
        assert answer.headers["x-ratelimit-remaining"] == "0"
    assert answers[1].headers["retry-after"] == "60"


def test_a_request_in_a_forbidden_window_is_a_violation(jira: Client, time: _Time) -> None:
    _limit(jira, kind="jira-quota-tenant-based", limit=1, window_seconds=30)
    jira.get("/myself")
    assert jira.get("/myself").status_code == 429
    time.seconds += 0.2  # it may have been on its way
    jira.get("/project")
    assert _violations(jira) == 0
    time.seconds += 20
    jira.get("/project")
    assert _violations(jira) == 1
    time.seconds += 10
    assert jira.get("/myself").status_code == 200
    assert _violations(jira) == 1


def test_a_burst_forbids_its_endpoint_alone(jira: Client, time: _Time) -> None:
    _limit(jira, kind="jira-burst-based", limit=1, window_seconds=30, match="/issue/")
    jira.get("/issue/SHOP-1")
    assert jira.get("/issue/SHOP-1").status_code == 429
    time.seconds += 5
    jira.get("/myself")
    assert _violations(jira) == 0
    jira.get("/issue/SHOP-2")
    assert _violations(jira) == 1


def test_an_unannounced_refusal_forbids_a_second(jira: Client, time: _Time) -> None:
    _limit(jira, kind="jira-gateway", limit=1, window_seconds=0.5)
    jira.get("/myself")
    assert jira.get("/myself").status_code == 429
    time.seconds += 0.9
    assert jira.get("/myself").status_code == 200
    assert _violations(jira) == 1
    time.seconds += 1.1
    jira.get("/myself")
    assert _violations(jira) == 1


def test_a_scripted_refusal_forbids_as_well(jira: Client, time: _Time) -> None:
    jira.control("faults", rules=[{"kind": "retry_after", "value": "10", "match": "myself"}])
    assert jira.get("/myself").status_code == 429
    time.seconds += 9
    jira.get("/myself")
    assert _violations(jira) == 1


def test_each_account_has_a_budget_and_violations_of_its_own(jira: Client, time: _Time) -> None:
    _limit(jira, kind="jira-quota-global-based", limit=1, window_seconds=30)
    jira.get("/myself")
    assert jira.get("/myself").status_code == 429
    time.seconds += 1
    jira.sign_in(account="restricted")
    assert jira.get("/myself").status_code == 200
    assert _violations(jira) == 0


def test_requests_are_counted_by_kind_and_account(jira: Client) -> None:
    jira.search(ALL, fields=["summary"])
    jira.search(ALL, fields=["id"], maxResults=5_000)
    jira.post("/search/jql", jql=ALL, fields=["id"], expand="changelog")
    jira.post("/search/approximate-count", jql=ALL)
    jira.post("/issue/bulkfetch", issueIdsOrKeys=["SHOP-1"])
    jira.get("/issue/SHOP-1")
    jira.get("/issue/SHOP-1/changelog")
    jira.post("/changelog/bulkfetch", issueIdsOrKeys=["SHOP-1"])
    for path in ("/project/search", "/issuetype", "/status", "/field", "/users/search"):
        jira.get(path)
    jira.get("/jira/rest/agile/1.0/board")
    jira.sign_in(account="restricted")
    jira.get("/myself")
    jira.get("/nonsense")
    counted = jira.http.get("/ledger/requests").json()
    assert counted["kinds"]["jira"] == {
        "auth": 1, "census": 1, "changelogs": 2, "check": 2, "items": 2, "metadata": 7, "other": 1,
    }  # fmt: skip
    assert counted["accounts"]["restricted"] == {"auth": 1, "other": 1}
    jira.control("requests/clear")
    assert jira.http.get("/ledger/requests").json()["total"] == 0


@pytest.mark.parametrize(
    "rule",
    [
        {"kind": "jira-nonsense", "limit": 1},
        {"kind": "jira-burst-based"},
        {"kind": "jira-burst-based", "limit": 1, "match": "("},
        {"kind": "jira-burst-based", "limit": 1, "nonsense": 1},
    ],
)
def test_a_rule_that_is_none_is_refused(jira: Client, rule: dict[str, Any]) -> None:
    assert jira.http.post("/control/limits", json={"rules": [rule]}).status_code == 400
