"""Credentials: stored sealed, opened for their own integration, renewed by exactly one."""

import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from common.egress import parse_networks
from common.errors import PermanentError, TransientError, UsageError, WaitError
from common.secrets import new_key
from common.transport import close_pools
from integrations.budget import SharedBudget
from integrations.credentials import (
    base_url_needs_secret,
    change_credentials,
    open_site,
    store_credentials,
)
from integrations.models import Integration
from integrations.registry import connectors
from tenants.models import Tenant
from tenants.scope import every_tenant, tenant_scope
from tests.integrations.threads import in_threads
from tests.integrations.vault import Issuer, Vault, issuing
from tests.wire import always, answer, listening

pytestmark = pytest.mark.django_db(transaction=True)

TOKEN = {"user": "ann", "token": "t0ken-of-ann"}
ROTATING = {"refresh": "refresh-token-0"}


@pytest.fixture(autouse=True)
def vault(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> Iterator[None]:
    monkeypatch.setitem(connectors(), "vault", Vault())
    settings.EGRESS_ALLOWED_PRIVATE_CIDRS = parse_networks(["127.0.0.0/8"])
    with every_tenant("test"):
        yield
    close_pools()


def make(name: str = "vault", url: str = "https://vault.example.com", **more: Any) -> Integration:
    tenant, _ = Tenant.objects.get_or_create(slug="acme", defaults={"name": "Acme"})
    integration: Integration = Integration.objects.create(
        tenant=tenant, provider="vault", name=name, base_url=url, **more
    )
    return integration


def fresh(integration: Integration) -> Integration:
    row: Integration = Integration.objects.get(pk=integration.pk)
    return row


# ---- storing


def test_credentials_are_stored_sealed_with_the_way_to_sign_in() -> None:
    integration = make()
    store_credentials(integration, "token", {**TOKEN, "token": " t0ken-of-ann\n", "note": ""})
    row = fresh(integration)
    assert row.auth_method == "token"
    assert "t0ken" not in row.credentials
    with listening(always(answer())) as wire:
        row.base_url = wire.url
        open_site(row).get("a")
    assert b"authorization: Bearer t0ken-of-ann\r\n" in wire.requests[0]


@pytest.mark.parametrize(
    ("method", "values", "message"),
    [
        ("token", {"user": "ann"}, "by 'token', give API token"),
        ("token", {"user": " ", "token": ""}, "by 'token', give User \\(user\\), API token"),
        ("token", {**TOKEN, "colour": "red"}, "Token takes no colour; it takes user, token, note"),
        ("magic", TOKEN, "Vault cannot sign in by 'magic'; there are: token, rotating"),
        ("token", {**TOKEN, "token": "bad-token"}, "does not begin with bad"),
    ],
)
def test_credentials_that_are_no_good_change_nothing(
    method: str, values: dict[str, str], message: str
) -> None:
    integration = make()
    store_credentials(integration, "token", TOKEN)
    before = fresh(integration).credentials
    with pytest.raises(UsageError, match=message):
        store_credentials(integration, method, values)
    assert fresh(integration).credentials == before
    assert integration.credentials == before


def test_one_owner_at_one_host_has_one_budget_across_tenants() -> None:
    ann, again, bob = make("a"), make("b"), make("c")
    elsewhere = make("d", "https://other.example.com")
    other_tenant = make("e")
    globex = Tenant.objects.create(slug="globex", name="Globex")
    Integration.objects.filter(pk=other_tenant.pk).delete()
    other_tenant = Integration.objects.create(
        tenant=globex, provider="vault", name="e", base_url="https://VAULT.example.com/x"
    )
    for each in (ann, again, elsewhere, other_tenant):
        store_credentials(each, "token", TOKEN)
    store_credentials(bob, "token", {**TOKEN, "user": "bob"})
    assert ann.budget_key == again.budget_key == other_tenant.budget_key
    assert len({ann.budget_key, bob.budget_key, elsewhere.budget_key}) == 3
    assert "ann" not in ann.budget_key


@pytest.mark.parametrize(
    ("old", "new", "needs"),
    [
        ("https://jira.example.com", "https://jira.example.com/", False),
        ("https://jira.example.com", "https://evil.example.com", True),
        ("https://jira.example.com", "http://jira.example.com", True),
        ("https://jira.example.com", "https://jira.example.com:8443", True),
        ("https://jira.example.com/a", "https://jira.example.com/b", True),
        ("https://jira.example.com", "", True),
        ("", "https://jira.example.com", False),
    ],
)
def test_another_address_needs_the_secret_again(old: str, new: str, needs: bool) -> None:
    assert base_url_needs_secret(old, new) is needs


# ---- opening


def test_without_credentials_there_is_no_site() -> None:
    with pytest.raises(UsageError, match="has no credentials"):
        open_site(make())


def test_credentials_copied_to_another_integration_do_not_open() -> None:
    ann, thief = make("ann"), make("thief")
    store_credentials(ann, "token", TOKEN)
    thief.credentials, thief.auth_method = ann.credentials, ann.auth_method
    with pytest.raises(PermanentError, match="belong to another integration"):
        open_site(thief)


def test_credentials_of_a_lost_key_say_what_to_do(settings: Settings) -> None:
    integration = make()
    store_credentials(integration, "token", TOKEN)
    settings.CREDENTIAL_KEYS = [new_key()]
    with pytest.raises(PermanentError, match="enter the credentials anew"):
        open_site(integration)


def test_credentials_of_a_lost_key_can_be_entered_anew(settings: Settings) -> None:
    integration = make()
    store_credentials(integration, "token", TOKEN)
    settings.CREDENTIAL_KEYS = [new_key()]
    with pytest.raises(UsageError, match=r"\(user\)"):
        change_credentials(integration, "token", {"token": "another"})
    change_credentials(integration, "token", {**TOKEN, "token": "another"})
    open_site(fresh(integration))


def test_a_new_key_in_front_opens_what_the_old_one_sealed(settings: Settings) -> None:
    one, two = make("one"), make("two")
    store_credentials(one, "token", TOKEN)
    settings.CREDENTIAL_KEYS = [new_key(), *settings.CREDENTIAL_KEYS]
    store_credentials(two, "token", TOKEN)
    assert open_site(one).api_url == "https://vault.example.com"
    assert fresh(one).budget_key == fresh(two).budget_key


def test_an_echo_of_the_token_is_redacted_and_the_user_is_not() -> None:
    integration = make()
    store_credentials(integration, "token", {**TOKEN, "user": "ann@example.com"})
    with listening(always(answer(b'["t0ken-of-ann", "ann@example.com"]'))) as wire:
        integration.base_url = wire.url
        assert open_site(integration).get("a").body == b'["[redacted]", "ann@example.com"]'


def test_a_held_budget_holds_every_integration_of_its_owner() -> None:
    one, two = make("one"), make("two")
    store_credentials(one, "token", TOKEN)
    store_credentials(two, "token", TOKEN)
    with pytest.raises(WaitError):
        open_site(one).hold(60, "quota")
    with pytest.raises(WaitError, match="quota"):
        open_site(two).get("a")


def test_a_site_in_a_private_network_is_refused_unless_it_is_named(
    settings: Settings,
) -> None:
    integration = make(url="https://127.0.0.1:8443")
    store_credentials(integration, "token", TOKEN)
    settings.EGRESS_ALLOWED_PRIVATE_CIDRS = ()
    with pytest.raises(PermanentError, match="may not be reached"):
        open_site(integration).get("a")


def test_the_limits_of_the_settings_hold(settings: Settings) -> None:
    settings.HTTP_MAX_BYTES = 10
    integration = make()
    store_credentials(integration, "token", TOKEN)
    with listening(always(answer(b"x" * 11))) as wire:
        integration.base_url = wire.url
        with pytest.raises(PermanentError, match="too large"):
            open_site(integration).get("a")


# ---- renewing


def test_eight_threads_with_an_expired_token_refresh_it_exactly_once() -> None:
    issuer = Issuer()
    with issuing(issuer) as wire:
        integration = make(url=wire.url)
        store_credentials(integration, "rotating", ROTATING)

        def work(number: int) -> None:
            with tenant_scope(integration.tenant_id):
                for _ in range(1000):
                    try:
                        body = open_site(fresh(integration)).get("echo").body
                    except WaitError as error:
                        assert error.retry_after_seconds and error.retry_after_seconds <= 2
                        continue
                    assert body == b'{"echo": "[redacted]"}'
                    return
                pytest.fail("the token was never renewed")

        assert in_threads(8, work) == [None] * 8
        tokens = [each for each in wire.requests if each.startswith(b"POST /token")]
        echoes = [each for each in wire.requests if each.startswith(b"GET /echo")]
    assert len(tokens) == 1
    assert not issuer.is_dead
    assert len(echoes) == 8
    assert all(b"Bearer access-token-1\r\n" in each for each in echoes)
    row = fresh(integration)
    assert row.renewing_until is None
    assert "token-1" not in row.credentials


def test_a_token_that_expires_again_is_refreshed_by_the_newest_refresh_token() -> None:
    issuer = Issuer(lasts=timedelta(seconds=-1))
    with issuing(issuer) as wire:
        integration = make(url=wire.url)
        store_credentials(integration, "rotating", ROTATING)
        with pytest.raises(PermanentError, match="compare the clocks"):
            open_site(integration)
        issuer.lasts = timedelta(hours=1)
        open_site(fresh(integration)).get("echo")
    assert issuer.number == 2
    assert not issuer.is_dead


def test_a_refused_refresh_says_so_without_the_secret_and_lets_the_next_try() -> None:
    issuer = Issuer(current="another")
    with issuing(issuer) as wire:
        integration = make(url=wire.url)
        store_credentials(integration, "rotating", ROTATING)
        for _ in range(2):
            with pytest.raises(PermanentError, match="sign in anew") as caught:
                open_site(fresh(integration))
            assert "refresh-token-0" not in str(caught.value)
            assert "[redacted] is refused" in str(caught.value)
        assert len(wire.requests) == 2
    assert fresh(integration).renewing_until is None


def test_an_issuer_that_is_down_is_asked_again_later() -> None:
    with listening(always(answer())) as wire:
        pass
    integration = make(url=wire.url)
    store_credentials(integration, "rotating", ROTATING)
    with pytest.raises(TransientError, match="refused"):
        open_site(integration)
    assert fresh(integration).renewing_until is None


def test_an_issuer_in_a_private_network_is_not_reached(settings: Settings) -> None:
    with issuing(Issuer()) as wire:
        integration = make(url=wire.url)
        store_credentials(integration, "rotating", ROTATING)
        settings.EGRESS_ALLOWED_PRIVATE_CIDRS = ()
        with pytest.raises(PermanentError, match="may not be reached"):
            open_site(integration)
        assert wire.connections == 0


def test_while_one_renews_the_others_wait_and_a_dead_one_is_not_waited_for_ever() -> None:
    with issuing(Issuer()) as wire:
        integration = make(url=wire.url)
        store_credentials(integration, "rotating", ROTATING)
        rows = Integration.objects.filter(pk=integration.pk)
        rows.update(renewing_until=timezone.now() + timedelta(seconds=60))
        with pytest.raises(WaitError, match="another worker is renewing"):
            open_site(fresh(integration))
        assert wire.connections == 0
        rows.update(renewing_until=timezone.now() - timedelta(seconds=1))
        open_site(fresh(integration)).get("echo")


def test_credentials_entered_during_a_renewal_are_kept() -> None:
    issuer = Issuer(before_answer=threading.Event())
    assert issuer.before_answer is not None
    with issuing(issuer) as wire:
        integration = make(url=wire.url)
        store_credentials(integration, "rotating", ROTATING)
        opened: list[Any] = []

        def renew(number: int) -> None:
            with tenant_scope(integration.tenant_id):
                if number == 0:
                    opened.append(open_site(fresh(integration)))
                    return
                assert issuer.asked.wait(10)
                store_credentials(fresh(integration), "token", TOKEN)
                assert issuer.before_answer is not None
                issuer.before_answer.set()

        assert in_threads(2, renew) == [None, None]
        assert open_site(fresh(integration)).get("a").status == 200
    assert fresh(integration).auth_method == "token"
    assert b"Bearer t0ken-of-ann" in wire.requests[-1]


def test_a_held_budget_also_holds_renewals() -> None:
    with issuing(Issuer()) as wire:
        integration = make(url=wire.url)
        store_credentials(integration, "rotating", ROTATING)
        SharedBudget(integration.budget_key).hold(60, "quota")
        with pytest.raises(WaitError, match="quota"):
            open_site(integration)
        assert wire.connections == 0
