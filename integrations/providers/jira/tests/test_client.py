"""What statuses, headers and bodies mean: who waits, who tries again, who gives up and why."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from common.errors import PermanentError, TransientError, UnreadableError, WaitError

from ..client import Client, read
from ..lost import PROJECT
from ..settings import JiraSettings
from .fake_site import NOW, FakeLive, FakeSite, Reply


def asked(reply: Reply, flavour: str = "cloud", path: str = "myself") -> FakeSite:
    """Send one request; return the site. Raises what the answer means."""
    site = FakeSite(lambda _: reply)
    live = FakeLive(site, JiraSettings(flavour="cloud" if flavour == "cloud" else "datacenter"))
    Client(live).get("do something", path)
    return site


def held(**headers: str) -> tuple[float, str]:
    """Return for how long, and what, a refusal with these headers holds."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    site = FakeSite(lambda _: Reply(status=429, headers=named))
    with pytest.raises(WaitError, match="do something: POST /rest/api/3/search/jql answered 429"):
        Client(FakeLive(site)).post("do something", "search/jql", {})
    (hold,) = site.held
    return hold


@pytest.mark.parametrize(
    "reason", ["jira-quota-global-based", "jira-quota-tenant-based", "jira-cost-based"]
)
def test_a_quota_that_is_used_up_holds_everything(reason: str) -> None:
    assert held(ratelimit_reason=reason, retry_after="17") == (17, "")


def test_a_burst_holds_only_the_path_and_method_it_was_of() -> None:
    held_for = held(ratelimit_reason="jira-burst-based", retry_after="3")
    assert held_for == (3, "POST search/jql")


def test_ids_do_not_make_a_path_another_one() -> None:
    site = FakeSite(lambda _: Reply(status=429, headers={"ratelimit-reason": "jira-burst-based"}))
    client = Client(FakeLive(site))
    for path in (
        "issue/1",
        "issue/2",
        "project/A",
        "project/search",
        "/rest/agile/1.0/board/7/sprint",
    ):
        with pytest.raises(WaitError):
            client.get("do something", path)
    assert [scope for _, scope in site.held] == [
        "GET issue/*",
        "GET issue/*",
        "GET project/*",
        "GET project/search",
        "GET agile/1.0/board/*/sprint",
    ]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, 60),
        ({"retry_after": "-1"}, 60),
        ({"retry_after": "soon"}, 60),
        ({"retry_after": "Sat, 10 Jan 2026 11:00:00 GMT"}, 60),
        ({"retry_after": "Sat, 10 Jan 2026 12:00:30 GMT"}, 30),
        ({"retry_after": "999999999"}, 3600),
        ({"retry_after": "0"}, 1),
        ({"x_ratelimit_reset": "2026-01-10T12:02Z"}, 120),
        ({"x_ratelimit_reset": "2026-01-10T12:00:45Z"}, 45),
        ({"x_ratelimit_reset": "2027-01-10T12:00:45Z"}, 3600),
        ({"x_ratelimit_reset": "2026-01-10T11:00Z"}, 60),
    ],
)
def test_how_long_is_waited(headers: dict[str, str], seconds: float) -> None:
    assert held(**headers) == (seconds, "")


def test_what_is_left_of_a_limit_is_noted() -> None:
    reset = (NOW + timedelta(minutes=1)).isoformat()
    site = asked(Reply({}, 200, {"x-ratelimit-remaining": "7", "x-ratelimit-reset": reset}))
    assert site.noted == [(7, datetime(2026, 1, 10, 12, 1, tzinfo=UTC), "GET myself")]


@pytest.mark.parametrize("left", ["", "-1", "many", "9" * 30])
def test_what_is_no_number_of_requests_is_not_noted(left: str) -> None:
    reset = NOW.isoformat()
    assert not asked(
        Reply({}, 200, {"x-ratelimit-remaining": left, "x-ratelimit-reset": reset})
    ).noted


REFUSALS: list[tuple[Reply, type[Exception], str]] = [
    (
        Reply({"message": "no"}, 401),
        PermanentError,
        "GET /rest/api/3/myself answered 401: no; .*tok",
    ),
    (Reply({"message": "scope does not match"}, 401), PermanentError, "scope.*token the scope"),
    (Reply({"message": "scope"}, 403), PermanentError, "answered 403: scope; .*permission.*scope"),
    (
        Reply({}, 403, {"x-authentication-denied-reason": "CAPTCHA_CHALLENGE; login-url=x"}),
        PermanentError,
        "solve the CAPTCHA",
    ),
    (Reply({"errorMessages": ["a", "b"]}, 400), PermanentError, "answered 400: a; b; .*`projects`"),
    (Reply({"errors": {"jql": "bad"}}, 400), PermanentError, "answered 400: jql: bad"),
    (Reply(b"<p>", 404, media_type="text/html"), PermanentError, "answered 404; .*base URL"),
    (
        Reply({"errorMessages": ["CHANGE-2046"]}, 410),
        PermanentError,
        "410: CHANGE-2046; .*withdrew",
    ),
    (Reply(b"", 302, {"location": "/login"}), PermanentError, "points elsewhere"),
    (Reply(b"", 500), TransientError, "answered 500"),
    (Reply(b"", 503, {"retry-after": "5"}), TransientError, "answered 503"),
    (Reply(b"<html>Log in</html>", media_type="text/html"), PermanentError, "web page .*sign in"),
    (Reply(b"\n <!DOCTYPE html>", media_type="application/json"), PermanentError, "web page"),
    (Reply({}, 200, {"x-seraph-loginreason": "AUTHENTICATED_FAILED"}), PermanentError, "nobody"),
]


@pytest.mark.parametrize(("reply", "error", "told"), REFUSALS)
def test_a_refusal_says_which_step_and_request_and_what_to_do(
    reply: Reply, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=f"(?s)do something: .*{told}"):
        asked(reply)


def test_jira_in_trouble_is_asked_again_when_it_says() -> None:
    with pytest.raises(TransientError) as raised:
        asked(Reply(b"", 503, {"retry-after": "5"}))
    assert raised.value.retry_after_seconds == 5


def test_an_answer_to_nobody_is_no_answer_of_data_center() -> None:
    with pytest.raises(TransientError, match="nobody"):
        asked(Reply([], 200, {"x-ausername": "anonymous"}), "datacenter", "project")


@pytest.mark.parametrize(
    "body", [b"", b'{"id": "1', b"\xff\xfe", b"7", b"[" * 100_000, b'{"key": "A"}']
)
def test_what_cannot_be_read_is_kept_with_the_error(body: bytes) -> None:
    site = FakeSite(lambda _: Reply(body))
    answer = Client(FakeLive(site)).get("do something", "project/A")
    with pytest.raises(UnreadableError, match="do something: GET /rest/api/3/project/A") as raised:
        read("do something", answer, PROJECT)
    kept: Any = raised.value.answer
    assert kept is answer
