"""A connection test says which step failed, with which request, and what to do."""

from typing import Any

from common.errors import TransientError
from integrations.contract import Check
from integrations.providers.github.connector import connector
from integrations.providers.github.tests.hub import API, FakeLive, Hub, Request, Sent

SCOPES = {"x-oauth-scopes": "repo, workflow"}
USER = Sent({"login": "alice"}, headers=SCOPES)
LIMIT = Sent({"resources": {"core": {"limit": 5000, "remaining": 4999}}})


def checked(answers: dict[str, Sent], **settings: Any) -> list[Check]:
    """Test a connection to a hub with one repository, where some paths are answered so."""
    hub = Hub("acme/ants")
    usual = {
        "/rate_limit": LIMIT,
        "/user": USER,
        "/repositories/1/actions/runs": Sent({"total_count": 0, "workflow_runs": []}),
    }

    def answer(request: Request) -> Sent | None:
        return {**usual, **answers}.get(request.path)

    hub.before = answer
    settings = {"deployments": True, "workflow_runs": True, **settings}
    live = FakeLive(hub, repositories=settings.pop("repositories", "acme/*"), **settings)
    return list(connector.check(live))


def failed(answers: dict[str, Sent], **settings: Any) -> Check:
    *passed, last = checked(answers, **settings)
    assert all(step.is_ok for step in passed)
    assert not last.is_ok
    return last


def test_a_good_connection_passes_every_step() -> None:
    found = checked({})
    assert [(step.step, step.is_ok) for step in found] == [
        ("reach GitHub", True),
        ("sign in", True),
        ("scopes", True),
        ("find repositories of acme", True),
        ("read pull requests of acme/ants", True),
        ("read deployments of acme/ants", True),
        ("read workflow runs of acme/ants", True),
    ]
    assert found[0].detail == "it answers: 4999 of 5000 requests left"
    assert (found[1].request, found[1].detail) == (f"GET {API}/user", "signed in as alice")


def test_a_server_whose_limits_are_off_is_reached() -> None:
    assert checked({"/rate_limit": Sent({}, 404)})[0].detail == "a server without limits"


def test_what_does_not_answer_is_said_first() -> None:
    def unreachable(request: Request) -> Sent:
        raise TransientError("cannot be reached")

    [step] = connector.check(FakeLive(unreachable))
    assert (step.step, step.is_ok, step.detail) == ("reach GitHub", False, "cannot be reached")
    assert "base URL" in step.remedy


def test_a_proxy_that_shows_a_page_is_not_github() -> None:
    page = Sent(b"<html>Sign in</html>", media_type="text/html")
    step = failed({"/rate_limit": page})
    assert (step.step, "page of HTML" in step.detail) == ("reach GitHub", True)


def test_a_wrong_token_is_said_at_sign_in() -> None:
    step = failed({"/user": Sent({"message": "Bad credentials"}, 401)})
    assert (step.step, step.request) == ("sign in", "GET /user")
    assert "Bad credentials" in step.detail
    assert "enter a new token" in step.remedy


def test_a_classic_token_without_the_scope_says_so() -> None:
    step = failed({"/user": Sent({"login": "alice"}, headers={"x-oauth-scopes": "gist"})})
    assert (step.step, "gist but not repo" in step.detail) == ("scopes", True)


def test_an_app_signs_in_by_its_installation() -> None:
    found = checked(
        {
            "/user": Sent({"message": "Resource not accessible by integration"}, 403),
            "/installation/repositories": Sent({"total_count": 0, "repositories": []}),
        }
    )
    assert found[1].detail == "signed in as an installation of an app"
    assert all(step.is_ok for step in found)


def test_a_pattern_that_finds_nothing_names_the_setting() -> None:
    step = failed({}, repositories="acme/bees*")
    assert step.detail == "none that is asked for (acme/bees*)"
    assert "setting repositories" in step.remedy


def test_an_unknown_owner_names_the_setting() -> None:
    assert "no owner nobody" in failed({}, repositories="nobody/*").detail


def test_missing_rights_are_found_before_a_run_needs_them() -> None:
    refused = Sent({"message": "Resource not accessible by personal access token"}, 403)
    step = failed({"/repositories/1/actions/runs": refused})
    assert step.step == "read workflow runs of acme/ants"
    assert step.remedy == "give the credential read access to actions, or set workflow_runs=false"
    forbidden = Sent(
        {"data": {"node": None}, "errors": [{"type": "FORBIDDEN", "message": "not yours"}]}
    )
    assert failed({"/graphql": forbidden}).step == "read pull requests of acme/ants"


def test_what_is_switched_off_is_not_tested() -> None:
    steps = [step.step for step in checked({}, deployments=False, workflow_runs=False)]
    assert steps[-1] == "read pull requests of acme/ants"
