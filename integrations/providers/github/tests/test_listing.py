"""Repositories are found by the patterns of the settings, and their walks begin at once."""

from typing import Any

import pytest

from common.errors import PermanentError
from integrations.contract import RepositoryDraft
from integrations.providers.github.tests.hub import (
    API,
    FakeLive,
    Handler,
    Hub,
    Request,
    Run,
    Sent,
    ms,
    pull,
    run,
)

MARK = {"updated": 0}
NOT_FOUND = Sent({"message": "Not Found"}, 404)


def live_of(hub: Handler, repositories: str, **more: Any) -> FakeLive:
    return FakeLive(hub, more.pop("marks", None), repositories=repositories, **more)


def paths(live: FakeLive) -> list[str]:
    return [request.path for request in live.fake.requests if not request.query]


def walked(done: Run) -> set[str]:
    return {ask.part for ask in done.asks if ask.stream == "pulls"}


def test_a_pattern_takes_what_it_says_in_whatever_case() -> None:
    hub = Hub("acme/ants", "Acme/Ants-UI", "acme/bees", "acme/antsy")
    done = run(live_of(hub, "ACME/ants*"))
    assert walked(done) == {"1", "2", "4"}


def test_only_repositories_that_are_asked_for_are_loaded() -> None:
    hub = Hub("acme/ants", "acme/bees")
    hub.before = lambda request: (
        Sent({"data": {"nodes": [{"databaseId": 1, "nameWithOwner": "acme/ants"}]}})
        if "isArchived" in request.query and request.variables == {"ids": ["R_1"]}
        else None
    )
    done = run(live_of(hub, "acme/ants*"))
    assert [page.is_data for page in done.pages if page.stream == "repositories"] == [False, True]
    assert done.values("repositories", RepositoryDraft, "full_name") == ["acme/ants"]


def test_a_list_is_read_to_its_end_by_the_links_that_github_gives() -> None:
    hub = Hub("acme/ants", "acme/bees", "acme/cats")

    def paged(request: Request) -> Sent | None:
        if request.query:
            return None
        at = int(request.params.get("page", "1"))
        link = f'<{API}/organizations/9/repos?page={at + 1}>; rel="next"'
        headers = {"link": link} if at < 3 else {}
        return Sent([hub.repositories[at - 1]], headers=headers)

    hub.before = paged
    live = live_of(hub, "acme/*")
    assert walked(run(live)) == {"1", "2", "3"}
    assert paths(live) == ["/orgs/acme/repos", *["/organizations/9/repos"] * 2]


def test_a_link_to_another_host_is_refused() -> None:
    hub = Hub("acme/ants")
    link = '<https://evil.example/repos>; rel="next"'
    hub.before = lambda request: Sent(hub.repositories, headers={"link": link})
    with pytest.raises(PermanentError, match="outside of"):
        run(live_of(hub, "acme/*"))


def test_an_owner_who_is_a_person_is_listed_with_what_is_private() -> None:
    hub = Hub("alice/open", "alice/secret", "acme/ants", owner_form="users")
    own = hub.repositories

    def answer(request: Request) -> Sent | None:
        if request.path == "/users/alice/repos":
            return Sent(own[:1])
        return Sent(own) if request.path == "/user/repos" else None

    hub.before = answer
    live = live_of(hub, "alice/*,acme/none")
    with pytest.raises(PermanentError, match="acme/none"):
        run(live)
    live = live_of(hub, "alice/*", marks={("pulls", "1"): MARK, ("pulls", "2"): MARK})
    assert set(run(live).marks) == {("pulls", "1"), ("pulls", "2")}
    assert asked(live)[-1] == (2, 50), "what stands in both lists is asked for once"
    assert paths(live) == ["/orgs/alice/repos", "/users/alice/repos", "/user/repos"]


def test_an_owner_whom_nobody_knows_is_named_with_the_setting() -> None:
    with pytest.raises(PermanentError, match=r"no owner nobody.*setting repositories"):
        run(live_of(Hub("acme/ants"), "nobody/*"))


def test_without_patterns_all_that_the_credential_sees_is_taken() -> None:
    hub = Hub("acme/ants", "octo/tools")
    hub.before = lambda request: Sent(hub.repositories) if request.path == "/user/repos" else None
    assert walked(run(live_of(hub, ""))) == {"1", "2"}


def test_an_app_sees_the_repositories_of_its_installation() -> None:
    hub = Hub("acme/ants", "acme/bees")

    def answer(request: Request) -> Sent | None:
        if request.path == "/user/repos":
            return Sent({"message": "Resource not accessible by integration"}, 403)
        if request.path == "/installation/repositories":
            return Sent({"total_count": 2, "repositories": hub.repositories})
        return None

    hub.before = answer
    done = run(live_of(hub, ""))
    assert walked(done) == {"1", "2"}
    assert done.values("repositories", RepositoryDraft, "full_name") == ["acme/ants", "acme/bees"]


def test_a_repository_named_whole_is_followed_when_it_is_renamed() -> None:
    hub = Hub("acme/new")

    def answer(request: Request) -> Sent | None:
        if request.path == "/repos/acme/old":
            return Sent({}, 301, {"location": f"{API}/repositories/1"})
        return Sent(hub.repositories[0]) if request.path == "/repositories/1" else None

    hub.before = answer
    done = run(live_of(hub, "acme/old"))
    assert walked(done) == {"1"}
    assert done.marks["repositories", "acme/old"] == {"id": 1}


def test_a_repository_named_whole_that_never_was_is_an_error_and_one_that_was_is_a_note() -> None:
    with pytest.raises(PermanentError, match=r"no repository acme/none.*setting repositories"):
        run(live_of(Hub(), "acme/none"))
    done = run(live_of(Hub(), "acme/none", marks={("repositories", "acme/none"): {"id": 1}}))
    assert done.notes == ["repository acme/none is not there any more"]


def in_pages(hub: Hub) -> None:
    """Let the hub list its repositories by sevens."""

    def paged(request: Request) -> Sent | None:
        if request.query:
            return None
        at = int(request.params.get("page", "0"))
        link = f'<{API}/orgs/acme/repos?page={at + 1}>; rel="next"'
        rows = hub.repositories[at * 7 : at * 7 + 7]
        is_more = len(hub.repositories) > at * 7 + 7
        return Sent(rows, headers={"link": link} if is_more else {})

    hub.before = paged


def asked(live: FakeLive) -> list[tuple[int, int]]:
    """Return of how many repositories, and how many of each, each query asked for."""
    queries = [request.variables for request in live.fake.requests if "first" in request.query]
    return [(len(each["ids"]), each["first"]) for each in queries]


def test_ten_covered_repositories_of_several_pages_are_asked_together() -> None:
    hub = Hub(*[f"acme/r{n}" for n in range(1, 11)])
    in_pages(hub)
    live = live_of(hub, "acme/*", marks={("pulls", str(n)): MARK for n in range(1, 11)})
    assert len(run(live).marks) == 10
    assert asked(live) == [(10, 10)]


def test_of_many_covered_repositories_only_those_with_something_new_are_read() -> None:
    hub = Hub(*[f"acme/r{n}" for n in range(1, 26)])
    in_pages(hub)
    known, later = "2024-05-01T00:00:00Z", "2024-05-01T01:00:00Z"
    for n in range(1, 26):
        hub.pulls[f"R_{n}"] = [pull(n, known)]
    marks = {("pulls", str(n)): {"updated": ms(known), "read": ms(later)} for n in range(1, 26)}
    marks["pulls", "3"]["read"] = ms(known)
    hub.pulls["R_7"].append(pull(77, later))
    live = live_of(hub, "acme/*", marks=marks)
    done = run(live)
    assert asked(live) == [(25, 1), (2, 50)]
    assert done.marks == {
        ("pulls", "3"): {"updated": ms(known)},
        ("pulls", "7"): {"updated": ms(later)},
    }
    assert [page.is_data for page in done.pages if page.stream == "pulls"] == [False, True]


def test_many_covered_repositories_that_are_too_much_are_asked_by_halves() -> None:
    hub = Hub(*[f"acme/r{n}" for n in range(1, 26)])
    heavy = Sent({}, 502)
    hub.before = lambda request: (
        heavy if request.query and len(request.variables.get("ids", ())) > 5 else None
    )
    live = live_of(hub, "acme/*", marks={("pulls", str(n)): MARK for n in range(1, 26)})
    assert len(run(live).marks) == 25
    assert asked(live)[:3] == [(25, 1), (12, 1), (13, 1)]


def test_finding_nothing_at_all_is_an_error_that_names_a_missing_scope() -> None:
    with pytest.raises(PermanentError, match=r"GET .*/orgs/acme/repos.*setting, or let"):
        run(live_of(Hub("acme/ants"), "acme/bees*"))
    hub = Hub("acme/ants")
    hub.before = lambda request: Sent([], headers={"x-oauth-scopes": "gist, public_repo"})
    with pytest.raises(PermanentError, match="lacks the scope repo"):
        run(live_of(hub, "acme/*"))


def test_finding_nothing_any_more_is_left_to_the_census() -> None:
    hub = Hub("acme/ants")
    hub.before = lambda request: Sent([])
    assert run(live_of(hub, "acme/*", loaded=["1"])).pages[0].stream == "repositories"


@pytest.mark.parametrize(
    ("settings", "streams"),
    [
        ({}, {"pulls"}),
        ({"deployments": True}, {"pulls", "deployments"}),
        ({"workflow_runs": True}, {"pulls", "workflow_runs"}),
    ],
)
def test_what_is_switched_off_is_not_asked_for(settings: Any, streams: set[str]) -> None:
    hub = Hub("acme/ants")
    hub.before = lambda request: (
        Sent({"total_count": 0, "workflow_runs": []}) if "/actions/" in request.path else None
    )
    done = run(live_of(hub, "acme/*", **settings))
    assert {ask.stream for ask in done.asks} - {"repositories"} == streams


def test_a_server_of_ones_own_has_both_apis_below_its_address() -> None:
    hub = Hub("acme/ants")

    def answer(request: Request) -> Sent | None:
        if request.path == "/api/v3/orgs/acme/repos":
            return Sent(hub.repositories)
        return None if request.path == "/api/graphql" else NOT_FOUND

    hub.before = answer
    done = run(live_of(hub, "acme/*", api_url="https://github.example.com/hub"))
    assert walked(done) == {"1"}
    assert done.marks
