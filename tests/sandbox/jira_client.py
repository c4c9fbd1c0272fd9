"""A client of a sandbox's Jira in process."""

import json
from collections.abc import Iterator
from typing import Any

from starlette.testclient import TestClient

from sandbox.generate.world import World
from sandbox.options import Options
from sandbox.organisation import Organisation
from sandbox.replay import Recording
from sandbox.server import build_app

API = "/jira/rest/api/3"
_MOST_PAGES = 500
Answer = Any


class Client:
    """Asks a sandbox's Jira as somebody; answers are those of the test client."""

    def __init__(self, source: World | Recording, options: Options | None = None) -> None:
        self.organisation = Organisation(source, options)
        self.http = TestClient(build_app(self.organisation), raise_server_exceptions=False)
        self.sign_in()

    def sign_in(self, kind: str = "", account: str = "full") -> None:
        """Use a token of this kind from now on."""
        kind = kind or ("api" if self.organisation.options.is_cloud else "personal")
        token = next(self.organisation.accounts.tokens("jira", kind, account))
        if kind in ("oauth", "personal", "personal_expired"):
            self.bear(token.value)
        else:
            self.http.headers.pop("authorization", None)
            self.http.auth = (token.account.email, token.value)

    def bear(self, token: str) -> None:
        """Use a bearer token from now on."""
        self.sign_out()
        self.http.headers["authorization"] = f"Bearer {token}"

    def sign_out(self) -> None:
        """Be nobody from now on."""
        self.http.auth = None  # type: ignore[assignment]
        self.http.headers.pop("authorization", None)

    def get(self, path: str, **parameters: Any) -> Answer:
        """GET a path below the API, or one that begins with /jira."""
        return self.http.get(_address(path), params=parameters)

    def post(self, path: str, **body: Any) -> Answer:
        """POST a JSON object to a path below the API, or one that begins with /jira."""
        return self.http.post(_address(path), json=body)

    def search(self, jql: str, **body: Any) -> dict[str, Any]:
        """Return a page of search/jql."""
        answer = self.post("/search/jql", jql=jql, **body)
        assert answer.status_code == 200, answer.text
        page: dict[str, Any] = answer.json()
        return page

    def pages(self, jql: str, **body: Any) -> Iterator[dict[str, Any]]:
        """Yield the pages of search/jql to the end, told by the missing token."""
        token: dict[str, Any] = {}
        for _ in range(_MOST_PAGES):
            page = self.search(jql, **body, **token)
            yield page
            if "nextPageToken" not in page:
                return
            token = {"nextPageToken": page["nextPageToken"]}
        raise AssertionError(f"{jql} has no end")

    def all(self, jql: str, **body: Any) -> list[dict[str, Any]]:
        """Return the issues of all pages."""
        return [issue for page in self.pages(jql, **body) for issue in page["issues"]]

    def keys(self, jql: str) -> list[str]:
        """Return the keys of all that a query finds."""
        return [issue["key"] for issue in self.all(jql, fields=["key"], maxResults=5_000)]

    def refusal(self, jql: str) -> str:
        """Return what a refused query is refused with."""
        answer = self.post("/search/jql", jql=jql)
        assert answer.status_code == 400, answer.text
        return "; ".join(answer.json()["errorMessages"])

    def mutate(self, op: str, **arguments: Any) -> dict[str, Any]:
        """Make one change by control; return what it did."""
        done: dict[str, Any] = self.control("mutate", do=[{"op": f"jira.{op}", **arguments}])[0]
        return done

    def control(self, what: str, **body: Any) -> Any:
        """Steer the sandbox; return what was done."""
        answer = self.http.post(f"/control/{what}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()["done"]

    def tables(self) -> dict[str, int]:
        """Return the counts of the ledger."""
        tables: dict[str, int] = self.http.get("/ledger").json()["tables"]
        return tables

    def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table of the ledger."""
        lines = self.http.get(f"/ledger/rows/{table}").text.splitlines()
        return [json.loads(line) for line in lines]


def _address(path: str) -> str:
    return path if path.startswith("/jira") else API + path
