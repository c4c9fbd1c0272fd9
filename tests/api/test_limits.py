"""Limits of requests: headers, 429, and a cache that does not answer."""

from typing import Any
from uuid import uuid4

import pytest
from django.core.cache import cache
from pytest_django import Settings
from redis import Redis
from rest_framework.test import APIClient

from etl_project.cache import SpareRedisCache
from etl_project.urls_given import caches
from tenants.api import limits
from tests.admin.world import World
from tests.api.conftest import client_of
from tests.etl_project.test_health import closed_port
from tests.services import REDIS_URL

pytestmark = pytest.mark.django_db
HEADERS = ("RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset")


@pytest.fixture(autouse=True)
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock stands a quarter of a minute before the end of a minute."""
    monkeypatch.setattr(limits, "now", lambda: 1_800_000_045.0)


def limited(settings: Settings, **rates: int) -> None:
    settings.API_RATES = {**settings.API_RATES, **rates}


def told(answer: Any) -> tuple[int, ...]:
    return tuple(int(answer[name]) for name in HEADERS)


def test_each_answer_tells_what_is_left(as_admin: APIClient, ours: World) -> None:
    assert told(as_admin.get("/api/v1/me/")) == (600, 599, 15)
    assert told(as_admin.get("/api/v1/tenants/")) == (600, 598, 15)
    assert told(as_admin.get("/api/v1/tenants/nobodys/")) == (600, 597, 15)
    assert told(as_admin.get("/api/v1/tenants/?x=1")) == (600, 596, 15)
    assert told(as_admin.patch("/api/v1/me/")) == (600, 595, 15)
    assert told(as_admin.get("/api/v1/me/", headers={"X-Tenant": "nobodys"})) == (600, 594, 15)
    assert told(APIClient().get("/api/v1/me/")) == (120, 119, 15)


def test_whoever_asks_too_often_uses_up_no_limit_but_their_own(
    as_admin: APIClient, ours: World, settings: Settings
) -> None:
    limited(settings, user=3, tenant=5)
    answers = [as_admin.get("/api/v1/me/").status_code for _ in range(20)]
    assert answers == [200] * 3 + [429] * 17
    other = client_of(ours, "editor")
    assert [other.get("/api/v1/me/").status_code for _ in range(3)] == [200, 200, 429]


def test_one_request_too_many_is_refused_until_the_next_minute(
    as_admin: APIClient, ours: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    limited(settings, user=2)
    assert [as_admin.get("/api/v1/me/").status_code for _ in range(3)] == [200, 200, 429]
    answer = as_admin.get("/api/v1/me/")
    assert answer["Content-Type"] == "application/problem+json"
    assert answer["Retry-After"] == "15"
    assert told(answer) == (2, 0, 15)
    assert client_of(ours, "editor").get("/api/v1/me/").status_code == 200
    monkeypatch.setattr(limits, "now", lambda: 1_800_000_060.0)
    assert as_admin.get("/api/v1/me/").status_code == 200


def test_all_users_of_a_tenant_share_its_limit(
    ours: World, theirs: World, settings: Settings
) -> None:
    limited(settings, tenant=3)
    roles = ("admin", "editor", "viewer", "viewer")
    answers = [client_of(ours, role).get("/api/v1/me/") for role in roles]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert told(answers[0])[:2] == (3, 2)
    assert client_of(theirs, "admin").get("/api/v1/me/").status_code == 200


def test_signing_in_has_a_limit_of_its_own(ours: World, settings: Settings) -> None:
    limited(settings, auth=3)
    body = {"refresh": "x"}
    answers = [APIClient().post("/api/v1/auth/refresh/", body) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    elsewhere = APIClient(REMOTE_ADDR="192.0.2.7").post("/api/v1/auth/refresh/", body)
    assert elsewhere.status_code == 401


@pytest.mark.parametrize("scope", ["test", "discover"])
def test_looks_at_a_source_have_a_limit_of_their_own(
    as_admin: APIClient, settings: Settings, scope: str
) -> None:
    limited(settings, **{scope: 2})
    addresses = (f"/api/v1/integrations/1/{scope}/", f"/api/v1/providers/none/{scope}/")
    answers = [as_admin.post(each, {}) for each in (*addresses, *addresses)]
    assert [answer.status_code for answer in answers[2:]] == [429, 429]
    assert 429 not in [answer.status_code for answer in answers[:2]]


def test_whoever_shows_wrong_tokens_is_counted_by_address(settings: Settings) -> None:
    limited(settings, address=2)
    headers = {"Authorization": "Bearer etl_wrong"}
    answers = [APIClient().get("/api/v1/me/", headers=headers) for _ in range(3)]
    assert [answer.status_code for answer in answers] == [401, 401, 429]


def test_no_limit_is_no_limit(as_admin: APIClient, settings: Settings) -> None:
    limited(settings, user=0, tenant=0)
    assert "RateLimit-Limit" not in as_admin.get("/api/v1/me/")


def test_a_cache_that_does_not_answer_lets_requests_pass_and_is_logged_once(
    as_admin: APIClient, ours: World, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    limited(settings, user=1)
    settings.CACHES = caches(f"redis://127.0.0.1:{closed_port()}/0", "test")
    SpareRedisCache.forget_failures()
    try:
        for _ in range(3):
            assert as_admin.get("/api/v1/me/").status_code == 200
            assert cache.get("x", "nothing") == "nothing"
    finally:
        SpareRedisCache.forget_failures()
    assert [each.name for each in caplog.records if "cache" in each.message] == [
        "etl_project.cache"
    ]


@pytest.mark.redis
def test_all_web_processes_count_in_redis_for_a_while(
    as_admin: APIClient, ours: World, settings: Settings
) -> None:
    settings.CACHES = caches(REDIS_URL, f"test-{uuid4().hex}")
    SpareRedisCache.forget_failures()
    assert told(as_admin.get("/api/v1/me/")) == (600, 599, 15)
    assert told(client_of(ours, "admin").get("/api/v1/me/")) == (600, 598, 15)
    assert told(client_of(ours, "viewer").get("/api/v1/me/")) == (600, 599, 15)
    key = f"rate-tenant-{ours.tenant.pk}-{1_800_000_045 // 60}"
    assert cache.get(key) == 3
    assert 0 < Redis.from_url(REDIS_URL).ttl(cache.make_key(key)) <= 2 * limits.WINDOW
    cache.delete(key)


def test_without_an_address_the_cache_is_in_memory() -> None:
    assert "locmem" in caches("", "test")["default"]["BACKEND"]
