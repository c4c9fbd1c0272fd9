"""Signing in by password: access and refresh tokens, and when they end."""

import base64
import hashlib
import hmac
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as configured
from django.contrib.auth.hashers import get_hasher
from django.db import connection, connections
from django.utils import timezone
from rest_framework.test import APIClient

from tenants import sign_ins, throttle
from tenants.api import jwt
from tenants.models import LoginFailure, Membership, SignIn
from tenants.scope import tenant_scope
from tests.admin.world import World
from tests.api.conftest import client_of

pytestmark = pytest.mark.django_db
PASSWORD = "correct horse battery"


def sign_in(world: World, role: str = "admin") -> dict[str, Any]:
    """Tokens of a member, whose password is set."""
    user = world.members[role]
    if not user.check_password(PASSWORD):
        user.set_password(PASSWORD)
        user.save()
    answer = asked("token", {"username": user.username, "password": PASSWORD})
    assert answer.status_code == 200, answer.content
    pair: dict[str, Any] = answer.json()
    return pair


def begun(world: World) -> jwt.Pair:
    """Tokens of a sign-in as it is after the password was looked at, which takes its time."""
    user = world.members["admin"]
    return jwt.pair_for(sign_ins.begin(user), user)


def asked(what: str, body: dict[str, Any]) -> Any:
    return APIClient().post(f"/api/v1/auth/{what}/", body)


def me(access: str, **headers: str) -> Any:
    headers = {"Authorization": f"Bearer {access}", **headers}
    return APIClient().get("/api/v1/me/", headers=headers)


def claims_of(token: str) -> dict[str, Any]:
    part = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=="))
    return found


def forged(
    claims: dict[str, Any], key: str | None = None, algorithm: str = "HS256", **header: str
) -> str:
    """A token with these claims; signed with our own key unless another is given."""
    head = {"alg": algorithm, "typ": "JWT", **header}
    text = b".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in (head, claims)
    )
    secret = configured.SIMPLE_JWT["SIGNING_KEY"] if key is None else key
    signature = hmac.new(secret.encode(), text, hashlib.sha256).digest()
    last = b"" if algorithm == "none" else base64.urlsafe_b64encode(signature).rstrip(b"=")
    return (text + b"." + last).decode()


def test_a_password_gives_tokens_that_let_in(ours: World) -> None:
    pair = sign_in(ours)
    answer = me(pair["access"])
    assert answer.status_code == 200
    assert answer.json()["username"] == ours.members["admin"].username
    assert answer.json()["tenant"] == "ours"
    assert pair["expires_in_seconds"] == 600


def test_a_session_is_not_looked_at_where_a_token_is_shown(ours: World, theirs: World) -> None:
    pair = sign_in(ours)
    client = client_of(theirs, "admin")
    answer = client.get("/api/v1/me/", headers={"Authorization": f"Bearer {pair['access']}"})
    assert answer.json()["tenant"] == "ours"
    assert client.get("/api/v1/me/", headers={"Authorization": "Bearer x"}).status_code == 401


def test_a_wrong_name_and_a_wrong_password_are_told_alike(
    ours: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(ours)
    hashed: list[str] = []
    hasher = type(get_hasher())
    encode = hasher.encode

    def counted(self: Any, password: str, *args: Any) -> str:
        hashed.append(password)
        return str(encode(self, password, *args))

    monkeypatch.setattr(hasher, "encode", counted)
    answers = []
    for number, name in enumerate((ours.members["admin"].username, "nobody"), start=1):
        answers.append(asked("token", {"username": name, "password": "wrong"}))
        assert hashed == ["wrong"] * number
    assert [answer.status_code for answer in answers] == [401, 401]
    bodies = [{**answer.json(), "trace_id": ""} for answer in answers]
    assert bodies[0] == bodies[1]


def test_wrong_passwords_have_to_wait(ours: World) -> None:
    sign_in(ours)
    name = ours.members["admin"].username
    for _ in range(throttle.FREE_FAILURES):
        assert asked("token", {"username": name, "password": "wrong"}).status_code == 401
    answer = asked("token", {"username": name, "password": PASSWORD})
    assert answer.status_code == 429
    assert 1 <= int(answer["Retry-After"]) <= 31
    LoginFailure.objects.update(last_at=timezone.now() - timedelta(minutes=5))
    assert asked("token", {"username": name, "password": PASSWORD}).status_code == 200


def test_whoever_is_inactive_or_belongs_nowhere_does_not_sign_in(ours: World) -> None:
    sign_in(ours)
    user = ours.members["admin"]
    body = {"username": user.username, "password": PASSWORD}
    user.is_active = False
    user.save()
    assert asked("token", body).status_code == 401
    user.is_active = True
    user.save()
    with tenant_scope(ours.tenant.pk):
        Membership.objects.filter(user=user).delete()
    assert asked("token", body).status_code == 401


def _changed(**claims: Any) -> Any:
    return lambda real: forged({**real, **claims})


def _without(name: str) -> Any:
    return lambda real: forged({key: value for key, value in real.items() if key != name})


MALFORMED: dict[str, Any] = {
    "alg none": lambda real: forged(real, algorithm="none"),
    "alg None": lambda real: forged(real, algorithm="None"),
    "HS512 with our key": lambda real: forged(real, algorithm="HS512"),
    "RS256 over an HS signature": lambda real: forged(real, algorithm="RS256"),
    "signed by the secret key itself": lambda real: forged(real, key=configured.SECRET_KEY),
    "signed by nothing": lambda real: forged(real, key=""),
    "a key id that is a path": lambda real: forged(real, key="", kid="/dev/null"),
    "a key of its own in the header": lambda real: forged(real, key="x", jwk="x", jku="//x"),
    "another audience": _changed(aud="others"),
    "another issuer": _changed(iss="others"),
    "no audience": _without("aud"),
    "no issuer": _without("iss"),
    "no expiry": _without("exp"),
    "no family": _without("family"),
    "no type": _without("token_type"),
    "no id": _without("jti"),
    "expired a second ago": _changed(exp=int(time.time()) - 1),
    "expired, as a text": _changed(exp="soon"),
    "an endless expiry": _changed(exp=10**400),
    "made tomorrow": _changed(iat=int(time.time()) + 86_400),
    "valid from tomorrow on": _changed(nbf=int(time.time()) + 86_400),
    "another user": _changed(user_id="999999"),
    "no number as user": _changed(user_id="admin"),
    "a user that is beyond 64 bits": _changed(user_id="9" * 40),
    "another family": _changed(family="7e1a3a8e-2f5f-4a3c-9d63-000000000000"),
    "no family name": _changed(family=["x"]),
    "another password": _changed(pwd="x"),
    "a refresh token": _changed(token_type="refresh"),
    "no JSON object": lambda real: forged([1]),  # type: ignore[arg-type]
    "cut": lambda real: forged(real)[:-3],
    "empty parts": lambda real: "..",
}


def test_the_forger_can_make_a_token_that_is_valid(ours: World) -> None:
    assert me(forged(claims_of(begun(ours).access))).status_code == 200
    refresh = forged(claims_of(begun(ours).refresh))
    assert asked("refresh", {"refresh": refresh}).status_code == 200


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_access_token_of_ours_is_refused(ours: World, name: str) -> None:
    real = claims_of(begun(ours).access)
    answer = me(MALFORMED[name](real))
    assert answer.status_code == 401, answer.content
    assert answer["WWW-Authenticate"] == 'Bearer realm="api"'
    assert answer.json()["type"].endswith("#authentication-failed")


@pytest.mark.parametrize("name", sorted(set(MALFORMED) - {"a refresh token"}))
def test_what_is_no_refresh_token_of_ours_is_refused(ours: World, name: str) -> None:
    real = claims_of(begun(ours).refresh)
    answer = asked("refresh", {"refresh": MALFORMED[name](real)})
    assert answer.status_code == 401, answer.content
    assert SignIn.objects.get().refresh_id == real["jti"], "nothing was used up"


def test_a_real_refresh_token_is_no_access_token_nor_the_other_way_round(ours: World) -> None:
    pair = sign_in(ours)
    assert me(pair["refresh"]).status_code == 401
    assert asked("refresh", {"refresh": pair["access"]}).status_code == 401


@pytest.mark.parametrize(
    "header",
    ["Bearer", "Bearer ", "Token {}", "Basic YTpi", "{}", "Bearer {},Bearer {}", "Bearer {} x", ""],
)
def test_an_authorization_that_is_none_is_refused(ours: World, header: str) -> None:
    access = sign_in(ours)["access"]
    client = client_of(ours, "admin")
    answer = client.get("/api/v1/me/", headers={"Authorization": header.replace("{}", access)})
    assert answer.status_code == 401


@pytest.mark.parametrize("name", ["token", "access_token", "access", "jwt", "authorization"])
def test_a_token_in_the_address_is_never_accepted(ours: World, name: str) -> None:
    access = sign_in(ours)["access"]
    assert APIClient().get("/api/v1/tenants/", {name: access}).status_code == 401


def test_refreshing_gives_tokens_that_are_valid(ours: World) -> None:
    first = sign_in(ours)
    second = asked("refresh", {"refresh": first["refresh"]}).json()
    third = asked("refresh", {"refresh": second["refresh"]}).json()
    for pair in (first, second, third):
        assert me(pair["access"]).status_code == 200
    assert SignIn.objects.count() == 1


def test_a_refresh_token_that_is_used_twice_ends_all_that_came_of_the_sign_in(
    ours: World,
) -> None:
    first, other = sign_in(ours), sign_in(ours)
    second = asked("refresh", {"refresh": first["refresh"]}).json()
    assert asked("refresh", {"refresh": first["refresh"]}).status_code == 401
    assert me(first["access"]).status_code == me(second["access"]).status_code == 401
    assert asked("refresh", {"refresh": second["refresh"]}).status_code == 401
    assert me(other["access"]).status_code == 200
    row = SignIn.objects.get(revoked_at__isnull=False)
    assert row.revoked_because == "a refresh token was used twice"


@pytest.mark.django_db(transaction=True)
def test_of_several_refreshes_at_once_exactly_one_gets_tokens(ours: World) -> None:
    for _ in range(3):
        refresh = sign_in(ours)["refresh"]

        def once(refresh: str = refresh) -> int:
            try:
                return int(asked("refresh", {"refresh": refresh}).status_code)
            finally:
                connections.close_all()

        with ThreadPoolExecutor(4) as pool:
            answers = [pool.submit(once) for _ in range(4)]
        assert sorted(answer.result() for answer in answers) == [200, 401, 401, 401]
    connection.ensure_connection()


def test_signing_out_ends_the_sign_in(ours: World) -> None:
    pair = sign_in(ours)
    assert asked("sign-out", {"refresh": pair["refresh"]}).status_code == 204
    assert me(pair["access"]).status_code == 401
    assert asked("refresh", {"refresh": pair["refresh"]}).status_code == 401
    assert asked("sign-out", {"refresh": pair["refresh"]}).status_code == 401


def test_a_changed_password_ends_what_came_of_the_former(ours: World) -> None:
    pair = sign_in(ours)
    user = ours.members["admin"]
    user.set_password("another one of it")
    user.save()
    assert asked("refresh", {"refresh": pair["refresh"]}).status_code == 401
    assert me(pair["access"]).status_code == 401
    assert SignIn.objects.get().revoked_because == "the password was changed"


def test_an_account_that_is_deactivated_is_let_in_no_more(ours: World) -> None:
    pair = sign_in(ours)
    ours.members["admin"].is_active = False
    ours.members["admin"].save()
    assert me(pair["access"]).status_code == 401
    assert asked("refresh", {"refresh": pair["refresh"]}).status_code == 401


def test_without_a_membership_there_is_nothing_to_read(ours: World) -> None:
    pair = sign_in(ours)
    with tenant_scope(ours.tenant.pk):
        Membership.objects.filter(user=ours.members["admin"]).delete()
    headers = {"Authorization": f"Bearer {pair['access']}"}
    answer = APIClient().get("/api/v1/tenants/", headers=headers)
    assert answer.status_code == 403
    assert answer.json()["type"].endswith("#no-tenant")


def test_a_role_that_is_taken_holds_no_more_at_the_next_request(ours: World) -> None:
    pair = sign_in(ours)
    assert "edit_tenant" in me(pair["access"]).json()["capabilities"]
    with tenant_scope(ours.tenant.pk):
        Membership.objects.filter(user=ours.members["admin"]).update(role="viewer")
    assert me(pair["access"]).json()["capabilities"] == ["read"]


def test_tokens_expire(ours: World) -> None:
    pair = sign_in(ours)
    claims = claims_of(pair["access"])
    assert claims["exp"] - claims["iat"] == 600
    refresh = claims_of(pair["refresh"])
    assert refresh["exp"] - refresh["iat"] == 14 * 86_400
    SignIn.objects.update(expires_at=timezone.now())
    assert me(pair["access"]).status_code == 401


def test_own_sign_ins_are_listed_and_ended(ours: World) -> None:
    mine, other = sign_in(ours), sign_in(ours)
    theirs = sign_in(ours, "viewer")
    client = APIClient(headers={"Authorization": f"Bearer {mine['access']}"})
    found = client.get("/api/v1/auth/sign-ins/").json()["results"]
    assert [each["is_current"] for each in found] == [True, False]
    assert client.delete(f"/api/v1/auth/sign-ins/{found[1]['id']}/").status_code == 204
    assert me(other["access"]).status_code == 401
    foreign = SignIn.objects.get(user=ours.members["viewer"])
    assert client.delete(f"/api/v1/auth/sign-ins/{foreign.pk}/").status_code == 404
    assert me(theirs["access"]).status_code == 200


def test_a_session_that_writes_has_to_show_its_csrf_token(ours: World) -> None:
    sign_in(ours)
    row = SignIn.objects.get()
    client = APIClient(enforce_csrf_checks=True)
    client.force_login(ours.members["admin"])
    answer = client.delete(f"/api/v1/auth/sign-ins/{row.pk}/")
    assert answer.status_code == 403
    assert answer["Content-Type"] == "application/problem+json"
