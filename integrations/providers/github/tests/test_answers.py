"""What GitHub may answer instead of what was asked, and what comes of it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from common.errors import PermanentError, TransientError, UnreadableError, WaitError
from integrations.providers.github.client import Client
from integrations.providers.github.connector import connector
from integrations.providers.github.tests.hub import API, NOW, FakeSite, Request, Sent, run
from integrations.providers.github.tests.test_pull_walk import hub_with, live_of

SOON = str(int(NOW.timestamp()) + 120)


def refused(sent: Sent, *, is_graphql: bool = False) -> FakeSite:
    """Ask once and see what is waited for; returns the site."""
    site = FakeSite(lambda request: sent)
    with pytest.raises(WaitError):
        if is_graphql:
            Client(site).graphql("query", {})
        else:
            Client(site).get("/user")
    return site


LIMITS: list[tuple[int, dict[str, str], str, float, str]] = [
    (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": SOON}, "", 121, "own"),
    (429, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": SOON}, "", 121, "own"),
    (403, {"x-ratelimit-remaining": "0"}, "", 60, "own"),
    (403, {"x-ratelimit-remaining": "0", "x-ratelimit-reset": "1"}, "", 1, "own"),
    (403, {"retry-after": "30"}, "You have exceeded a secondary rate limit", 30, ""),
    (429, {"retry-after": "7", "x-ratelimit-remaining": "12"}, "", 7, ""),
    (403, {"x-ratelimit-remaining": "12"}, "You have exceeded a secondary rate limit", 60, ""),
    (403, {}, "You have triggered an abuse detection mechanism", 60, ""),
    (403, {}, "API rate limit exceeded for user ID 1.", 60, ""),
    (429, {}, "", 60, ""),
    (429, {"retry-after": "-1"}, "", 60, ""),
    (429, {"retry-after": "soon"}, "", 60, ""),
    (429, {"retry-after": "999999999"}, "", 3600, ""),
]


@pytest.mark.parametrize(("status", "headers", "message", "seconds", "scope"), LIMITS)
@pytest.mark.parametrize("is_graphql", [False, True])
def test_a_limit_is_waited_for(
    status: int, headers: Any, message: str, seconds: float, scope: str, is_graphql: bool
) -> None:
    site = refused(Sent({"message": message}, status, headers), is_graphql=is_graphql)
    [(held, _, held_scope)] = site.held
    own = "graphql" if is_graphql else "rest"
    assert (held, held_scope) == (seconds, own if scope == "own" else "")


def test_used_up_points_come_with_status_200_and_are_waited_for() -> None:
    sent = Sent(
        {"errors": [{"type": "RATE_LIMITED", "message": "API rate limit exceeded"}]},
        headers={"x-ratelimit-remaining": "0", "x-ratelimit-reset": SOON},
    )
    assert refused(sent, is_graphql=True).held[0][0] == 121


def test_a_good_answer_with_nothing_left_is_data_and_is_noted() -> None:
    headers = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": SOON}
    site = FakeSite(lambda request: Sent({"login": "alice"}, headers=headers))
    assert Client(site).get("/user").status == 200
    assert site.noted == [(0, datetime.fromtimestamp(int(SOON), UTC), "rest")]


def test_both_apis_have_scopes_of_their_own() -> None:
    live = live_of(hub_with(1))
    run(live)
    assert set(live.fake.scopes) == {"rest", "graphql"}
    assert [("graphql" in r.path) for r in live.fake.requests] == [
        scope == "graphql" for scope in live.fake.scopes
    ]


@pytest.mark.parametrize(
    ("sent", "error", "said"),
    [
        (Sent({"message": "Bad credentials"}, 401), PermanentError, "expired; enter a new one"),
        (Sent({"message": "Must have push access"}, 403), PermanentError, "push access.*scope"),
        (Sent({"message": "Resource protected by SAML"}, 403), PermanentError, "Configure SSO"),
        (Sent({"message": "Not Found"}, 404), PermanentError, "setting repositories"),
        (Sent({"message": "Gone"}, 410), PermanentError, "switched off"),
        (Sent({}, 422), PermanentError, "refuses"),
        (Sent({}, 451), PermanentError, "legal"),
        (Sent({}, 409), TransientError, "cannot answer now"),
        (Sent({}, 202), TransientError, "cannot answer now"),
        (Sent(b"", 500), TransientError, "cannot answer now"),
        (Sent(b"<html>", 503), TransientError, "cannot answer now"),
        (Sent({}, 599), TransientError, "cannot answer now"),
        (Sent(b"<html>", 200, media_type="text/html"), PermanentError, "page of HTML"),
        (Sent({}, 418), PermanentError, "check the base URL"),
    ],
)
def test_a_refusal_says_the_request_and_what_to_do(
    sent: Sent, error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=rf"(?s)GET {API}/user.*{said}"):
        Client(FakeSite(lambda request: sent)).get("/user")


def test_a_503_is_tried_again_when_it_asks_for_it() -> None:
    site = FakeSite(lambda request: Sent({}, 503, {"retry-after": "20"}))
    with pytest.raises(TransientError) as raised:
        Client(site).get("/user")
    assert raised.value.retry_after_seconds == 20


def test_a_renamed_repository_is_followed_to_its_id() -> None:
    def answer(request: Request) -> Sent:
        if request.path == "/repos/acme/old":
            return Sent({}, 301, {"location": f"{API}/repositories/5"})
        return Sent({"id": 5})

    site = FakeSite(answer)
    assert Client(site).get("/repos/acme/old").url == f"{API}/repositories/5"


def test_no_redirect_leads_to_another_host_and_none_goes_in_circles() -> None:
    elsewhere = FakeSite(lambda request: Sent({}, 301, {"location": "https://evil.example/x"}))
    with pytest.raises(PermanentError, match="outside of"):
        Client(elsewhere).get("/user")
    circle = FakeSite(lambda request: Sent({}, 302, {"location": f"{API}/user"}))
    with pytest.raises(PermanentError):
        Client(circle).get("/user")
    assert len(circle.requests) == 3


def test_the_next_page_is_taken_as_github_wrote_it() -> None:
    link = (
        f'<{API}/repositories/5/x?after=Y3V%3D%3D&per_page=100>; rel="next", <{API}/z>; rel="last"'
    )
    site = FakeSite(lambda request: Sent([], headers={"link": link}))
    answer = Client(site).get("/user")
    assert Client(site).next_url(answer) == f"{API}/repositories/5/x?after=Y3V%3D%3D&per_page=100"
    last = FakeSite(lambda request: Sent([], headers={"link": f'<{API}/a>; rel="prev"'}))
    assert Client(last).next_url(Client(last).get("/user")) is None


UNREADABLE = [b"", b"  ", b'{"data": {"node"', b"[1]", b'{"data": {"node": {"id": 7}}}', b"\xff"]


@pytest.mark.parametrize("body", UNREADABLE)
def test_a_broken_page_is_handed_over_as_it_is_with_its_request(body: bytes) -> None:
    hub = hub_with(3)
    hub.before = lambda request: Sent(body) if request.query else None
    live = live_of(hub)
    with pytest.raises(UnreadableError, match=rf"POST {API}/graphql answered 200") as raised:
        run(live)
    assert len([r for r in live.fake.requests if r.query]) == 1
    assert raised.value.answer.body == body


@pytest.mark.parametrize("place", [{}, {"step": "no such"}, {"step": "walk", "x": 1}])
def test_a_step_of_another_version_is_refused(place: dict[str, Any]) -> None:
    live = live_of(hub_with(1))
    [ask] = connector.begin(live)
    other = type(ask)(stream=ask.stream, part=ask.part, key=ask.key, place=place)
    with pytest.raises(PermanentError, match="another version"):
        connector.fetch(other, live)
