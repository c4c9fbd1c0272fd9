"""Every way to sign in loads everything; tokens that end are renewed by one worker for all."""

import logging
import re
from base64 import b64encode, urlsafe_b64encode
from contextlib import suppress
from typing import Any
from urllib.parse import quote

import httpx2
import pytest
import zstandard
from django.core.management import CommandError, call_command
from django.db import connection
from pytest_django import Settings

from integrations import credentials
from integrations.checking import check
from integrations.models import Integration
from jobs.models import JobRun
from sandbox.generate.world import World
from sandbox.options import Options
from tenants.scope import tenant_scope
from tests.live.comparing import differences
from tests.live.running import finish, sync, told
from tests.live.served import Served, served

pytestmark = pytest.mark.django_db(transaction=True)

WORLD = World(items=12, seed=5, shape="v3", lean=True)
SHORT = Options(access_token_seconds=4.0)

WAYS = ["basic", "scoped", "bearer", "oauth", "classic", "fine_grained", "app", "ghes"]


def connected(source: Served, way: str, **changed: Any) -> Integration:
    """Connect by a way to sign in, as its credentials say that it is done."""
    provider = "github" if way in ("classic", "fine_grained", "app", "ghes") else "jira"
    kind = {"basic": "api", "bearer": "personal", "ghes": "classic"}.get(way, way)
    given = source.accounts(provider, kind, "full")[0]
    names = {
        "basic": ("user", "token"),
        "scoped": ("user", "token"),
        "oauth": ("client_id", "client_secret", "refresh_token"),
        "app": ("app_id", "installation_id", "private_key"),
    }.get(way, ("token",))
    method = "token" if way in ("classic", "fine_grained", "ghes") else way
    settings = {name: given[name] for name in ("gateway_url", "token_url") if name in given}
    base_url = source.ready[provider]["base_url"] + ("/api/v3" if way == "ghes" else "")
    return source.connect(
        provider,
        **{
            "method": method,
            "base_url": base_url,
            "credentials": {name: given[name] for name in names},
            "settings": settings,
            **changed,
        },
    )


@pytest.mark.parametrize("way", WAYS)
def test_every_way_to_sign_in_passes_its_test_and_loads_everything(way: str) -> None:
    options = Options(mode="datacenter") if way == "bearer" else Options()
    with served(WORLD, options) as source:
        integration = connected(source, way)
        with tenant_scope(integration.tenant_id):
            failed = [each for each in check(integration) if not each.is_ok]
        assert failed == []
        run = sync(integration)
        assert run.state == JobRun.State.COMPLETED, told(run)
        assert differences(source, providers=integration.provider) == []


@pytest.mark.parametrize("way", ["oauth", "app"])
def test_tokens_of_seconds_are_renewed_as_often_as_needed_by_one_for_all(way: str) -> None:
    renewing = {"oauth": "/jira/oauth/token", "app": "/access_tokens"}[way]
    with served(World(items=40, seed=5, shape="v3", lean=True), SHORT) as source:
        source.control("options", {"latency_ms": 200})
        integration = connected(source, way, settings=_small_pages(source, way))
        run = sync(integration, threads=8)
        assert run.state == JobRun.State.COMPLETED, told(run)
        assert differences(source, providers=integration.provider) == []
        renewals = [each for each in source.entries() if each["path"].endswith(renewing)]
        assert len(renewals) >= 2
        assert {each["status"] for each in renewals} <= {200, 201}
        assert "401" not in source.requests()["statuses"]


def _small_pages(source: Served, way: str) -> dict[str, str]:
    if way == "app":
        return {"page_size": "1"}
    given = source.accounts("jira", "oauth", "full")[0]
    return {"page_size": "2", "gateway_url": given["gateway_url"], "token_url": given["token_url"]}


def test_a_refresh_token_that_was_used_elsewhere_is_told_with_what_to_do() -> None:
    with served(WORLD) as source:
        integration = connected(source, "oauth")
        given = source.accounts("jira", "oauth", "full")[0]
        names = ("client_id", "client_secret", "refresh_token")
        payload = {"grant_type": "refresh_token"} | {name: given[name] for name in names}
        assert httpx2.post(given["token_url"], json=payload).status_code == 200
        run = sync(integration)
        assert run.state == JobRun.State.FAILED
        with tenant_scope(integration.tenant_id):
            found = check(integration)[-1]
    for text in (run.error, f"{found.step}: {found.request} {found.detail}; {found.remedy}"):
        assert "renew the access token: POST /jira/oauth/token answered 403: invalid_grant" in text
        assert "sign in anew and connect again" in text
        assert given["refresh_token"] not in text


@pytest.mark.parametrize("kind", ["scoped", "scoped_narrow"])
def test_a_scoped_token_is_refused_where_it_is_not_good(kind: str) -> None:
    with served(WORLD) as source:
        given = source.accounts("jira", kind, "full")[0]
        pair = {name: given[name] for name in ("user", "token")}
        changed: dict[str, Any] = {"method": "basic"}
        if kind == "scoped_narrow":
            changed = {"method": "scoped", "settings": {"gateway_url": given["gateway_url"]}}
        integration = source.connect("jira", credentials=pair, **changed)
        run = sync(integration)
        with tenant_scope(integration.tenant_id):
            found = check(integration)[-1]
    assert run.state == JobRun.State.FAILED
    assert not found.is_ok
    told_by_check = f"{found.step}: {found.request} {found.detail}; {found.remedy}"
    request, remedy = REFUSED[kind]
    for text in (run.error, told_by_check):
        assert re.search(request, text)
        assert remedy in text


REFUSED = {
    "scoped": (
        "GET /jira/rest/api/3/.* answered 401: Client must be authenticated",
        "scoped tokens need the method 'scoped'",
    ),
    "scoped_narrow": (
        "GET /jira/ex/jira/.*/rest/api/3/.* answered 401: Unauthorized; scope does not match",
        "the token the scope, that this request needs (Browse projects; read:jira-work",
    ),
}


# ---- canaries: no secret leaves the sealed column, whatever fails


@pytest.mark.parametrize("way", ["basic", "scoped", "oauth", "classic", "app"])
def test_no_secret_is_in_the_database_a_log_or_what_commands_print(
    way: str,
    settings: Settings,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    settings.FETCH_MAX_ATTEMPTS = 2
    caplog.set_level(logging.DEBUG)
    with served(WORLD, SHORT) as source:
        integration = connected(source, way)
        provider = integration.provider
        canaries = secrets(source, integration)
        signed = f"/{provider}/(?!oauth/token|_edge/|.*/access_tokens)"
        for status, match in [*((each, signed) for each in (200, 400, 401, 403, 500)), (400, "/")]:
            source.heal()
            source.fault("echo_authorization", match, times=None, value=status)
            _command("run_job", "--integration", integration.name)
            failed = finish(_running(integration))[0]
            assert failed.state != JobRun.State.COMPLETED
            _command("connect", "--name", integration.name, "--test")
            _command("connect", "--name", integration.name, "--test", "--json")
            _command("run_job", "--integration", "none")
            canaries |= secrets(source, integration)
        source.heal()
        run = sync(integration)
        assert run.state == JobRun.State.COMPLETED, told(run)
        canaries |= secrets(source, integration)
    printed = capfd.readouterr()
    places = {
        "the database": dumped(),
        "the log": caplog.text,
        "what is printed": printed.out + printed.err,
    }
    assert all("Cannot use Authorization" in text for text in places.values())
    for form in forms(canaries, source.ready["jira"]["user"]):
        assert [place for place, text in places.items() if form in text] == [], form[:12]


_SHOWN = ("user", "client_id", "app_id", "installation_id", "cloud_id", "expires_at", "renew_at")


def secrets(source: Served, integration: Integration) -> set[str]:
    """Return what must not be shown: what the source has issued, and what is sealed here."""
    found = {each["token"] for each in source.accounts(integration.provider)}
    with tenant_scope(integration.tenant_id):
        integration.refresh_from_db()
        sealed = credentials._sign_in(integration).credentials
    found |= {value for name, value in sealed.items() if name not in _SHOWN}
    key = sealed.get("private_key", "")
    return found - {""} | {line for line in key.splitlines() if not line.startswith("--")}


def forms(canaries: set[str], user: str) -> set[str]:
    """Return secrets as they may be written: as they are, as a pair, in base64 and in URLs."""
    plain = canaries | {f"{user}:{each}" for each in canaries}
    encoded = {b64encode(each.encode()).decode() for each in plain}
    encoded |= {urlsafe_b64encode(each.encode()).decode() for each in plain}
    written = plain | encoded | {each.rstrip("=") for each in encoded}
    return written | {quote(each, safe="") for each in written} | {repr(e)[1:-1] for e in plain}


def dumped() -> str:
    """Return every value of every table, pages decompressed."""
    found = []
    for table in connection.introspection.table_names():
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")
            found += [_text(value) for row in cursor.fetchall() for value in row]
    return "\n".join(found)


def _text(value: Any) -> str:
    if not isinstance(value, bytes | memoryview):
        return str(value)
    with suppress(zstandard.ZstdError):
        value = zstandard.ZstdDecompressor().decompressobj().decompress(bytes(value))
    return bytes(value).decode(errors="replace")


def _running(integration: Integration) -> JobRun:
    with tenant_scope(integration.tenant_id):
        run: JobRun = JobRun.objects.get(integration=integration, state=JobRun.State.RUNNING)
        return run


def _command(name: str, *arguments: str) -> None:
    """Run a command; its exit code is for other tests."""
    with suppress(SystemExit, CommandError):
        call_command(name, "--tenant", "acme", *arguments)
