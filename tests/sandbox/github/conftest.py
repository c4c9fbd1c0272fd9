"""A GitHub of 300 work items in process, and a client of it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from sandbox.generate.world import World
from sandbox.organisation import Organisation
from sandbox.server import build_app

REST, GRAPHQL = "/github/api/v3", "/github/api/graphql"
Answer = Any


class Client:
    """Asks a sandbox's GitHub as somebody; answers are those of the test client."""

    def __init__(self, organisation: Organisation, http: TestClient, kind: str) -> None:
        self.organisation = organisation
        self.http = http
        self.token = next(organisation.accounts.tokens("github", kind)).value

    def headers(self, **more: str) -> dict[str, str]:
        return {"authorization": f"Bearer {self.token}", **more}

    def get(self, path: str, **headers: str) -> Answer:
        """GET a path below the REST API, or a whole address."""
        url = path if path.startswith("http") else REST + path
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.http.get(url, headers=self.headers(**named))

    def all(self, path: str) -> Iterator[dict[str, Any]]:
        """Yield what a list has, following its links to the end."""
        while path:
            answer = self.get(path)
            assert answer.status_code == 200, answer.text
            yield from answer.json()
            path = answer.links.get("next", {}).get("url", "")

    def query(self, text: str, **variables: Any) -> dict[str, Any]:
        """Return the whole body of a GraphQL answer."""
        payload = {"query": text, "variables": variables}
        answer = self.http.post(GRAPHQL, json=payload, headers=self.headers())
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json()
        return body

    def data(self, text: str, **variables: Any) -> Any:
        """Return the data of a GraphQL answer without errors."""
        body = self.query(text, **variables)
        assert "errors" not in body, body["errors"]
        return body["data"]

    def mutate(self, **operation: Any) -> dict[str, Any]:
        """Make one change by control; return what it did."""
        operation["op"] = f"github.{operation['op']}"
        answer = self.http.post("/control/mutate", json={"do": [operation]})
        assert answer.status_code == 200, answer.text
        done: dict[str, Any] = answer.json()["done"][0]
        return done

    def set_options(self, **options: Any) -> None:
        answer = self.http.post("/control/options", json=options)
        assert answer.status_code == 200, answer.text

    def set_limits(self, *rules: dict[str, Any]) -> None:
        answer = self.http.post("/control/limits", json={"rules": list(rules)})
        assert answer.status_code == 200, answer.text

    def ledger(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table of the truth."""
        return [
            json.loads(line) for line in self.http.get(f"/ledger/rows/{table}").text.splitlines()
        ]


@pytest.fixture
def organisation() -> Organisation:
    return Organisation(World(items=300))


@pytest.fixture
def as_kind(organisation: Organisation) -> Callable[[str], Client]:
    """Makes a client with a token of a kind, of one organisation."""
    http = TestClient(build_app(organisation), follow_redirects=False)
    return lambda kind: Client(organisation, http, kind)


@pytest.fixture
def client(as_kind: Callable[[str], Client]) -> Client:
    return as_kind("classic")
