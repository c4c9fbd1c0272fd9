"""Signing in as an app, and as its installation."""

import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.sandbox.github.conftest import REST, Client


def app_of(client: Client) -> dict[str, str]:
    accounts = client.http.get("/control/accounts").json()["github"]
    app: dict[str, str] = next(each for each in accounts if each["kind"] == "app")
    return app


def claims_of(app: dict[str, str], **other: Any) -> dict[str, Any]:
    now = int(time.time())
    return {"iat": now - 30, "exp": now + 300, "iss": app["app_id"], **other}


def ask_for_token(client: Client, signed: str, installation: str) -> Any:
    return client.http.post(
        f"{REST}/app/installations/{installation}/access_tokens",
        headers={"authorization": f"Bearer {signed}"},
    )


def test_an_app_gets_a_token_of_its_installation(client: Client) -> None:
    app = app_of(client)
    signed = jwt.encode(claims_of(app), app["private_key"], algorithm="RS256")
    answer = ask_for_token(client, signed, app["installation_id"])
    assert answer.status_code == 201
    client.token = answer.json()["token"]
    assert client.get("/installation/repositories").json()["total_count"] == 2
    assert client.get("/user").status_code == 403


def test_a_token_of_an_installation_ends_in_time(client: Client) -> None:
    client.set_options(access_token_seconds=-1)
    app = app_of(client)
    signed = jwt.encode(claims_of(app), app["private_key"], algorithm="RS256")
    client.token = ask_for_token(client, signed, app["installation_id"]).json()["token"]
    assert client.get("/installation/repositories").status_code == 401


@pytest.mark.parametrize(
    "wrong",
    [
        {"iss": "1"},
        {"exp": -5},
        {"exp": 4_000},
        {"iat": 900},
        {"iat": "yesterday"},
    ],
)
def test_wrong_claims_are_refused(client: Client, wrong: dict[str, Any]) -> None:
    app = app_of(client)
    # Numbers are seconds from now: that of the test, which may come long after its collection.
    now = int(time.time())
    wrong = {name: now + v if isinstance(v, int) else v for name, v in wrong.items()}
    signed = jwt.encode(claims_of(app, **wrong), app["private_key"], algorithm="RS256")
    assert ask_for_token(client, signed, app["installation_id"]).status_code == 401


def test_a_signature_of_another_key_is_refused(client: Client) -> None:
    app = app_of(client)
    key = rsa.generate_private_key(public_exponent=65_537, key_size=2_048)
    signed = jwt.encode(claims_of(app), key, algorithm="RS256")
    assert ask_for_token(client, signed, app["installation_id"]).status_code == 401
    unsigned = jwt.encode(claims_of(app), "", algorithm="none")
    assert ask_for_token(client, unsigned, app["installation_id"]).status_code == 401


def test_another_installation_is_not_found(client: Client) -> None:
    app = app_of(client)
    signed = jwt.encode(claims_of(app), app["private_key"], algorithm="RS256")
    assert ask_for_token(client, signed, "1").status_code == 404


def test_the_app_itself_is_no_token(client: Client) -> None:
    client.token = app_of(client)["token"]
    assert client.get("/user/repos").status_code == 401
