"""An organisation under a limit, two tenants that share one credential there, and a rival."""

from base64 import b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx2

from integrations.models import Integration
from sandbox.generate.world import World
from sandbox.options import Options
from tests.live.served import Served, served

Rule = dict[str, Any]

WORLD = World(items=30, seed=5, shape="v3", lean=True)
PART = {"jira": "OPS", "github": "acme/storefront"}
"""What the small tenant has, a sixth of the items or half of the pull requests."""

_LARGE = {"jira": {"page_size": "2", "window_items": "4"}, "github": {"page_size": "1"}}
_SMALL = {"jira": {"projects": PART["jira"]}, "github": {"repositories": PART["github"]}}
_BY_ENDPOINT = ("jira-burst-based", "jira-per-issue-on-write")
_FIRST_ASKED = ("myself", "issuetype", "status", "project/search", f"project/{PART['jira']}")


@contextmanager
def limited(rule: Rule, window_seconds: float) -> Iterator[Served]:
    """Serve an organisation under a limit of its own."""
    mode: Any = "datacenter" if rule["kind"] == "jira-datacenter" else "cloud"
    with served(WORLD, Options(mode=mode)) as source:
        source.control("limits", {"rules": [{"window_seconds": window_seconds, **rule}]})
        yield source


def large_and_small(
    source: Served, provider: str, **of_large: str
) -> tuple[Integration, Integration]:
    """Connect a tenant that loads everything page by page, and one that loads a part.

    of_large: settings of the large one.
    """
    changed: dict[str, Any] = {}
    if source.ready["jira"]["settings"].get("flavour") == "datacenter":
        changed = {"method": "bearer", "credentials": {"token": source.ready["jira"]["token"]}}
    large = source.connect(provider, "large", settings=_LARGE[provider] | of_large, **changed)
    small = source.connect(provider, "small", settings=_SMALL[provider], **changed)
    return large, small


def use_up(source: Served, rule: Rule) -> None:
    """Ask as another program with the same credential might, until nothing is left of a limit."""
    asked = _github(rule["kind"]) if rule["kind"].startswith("github") else _jira(source, rule)
    with httpx2.Client(base_url=source.base, headers=_signed(source, rule)) as http:
        for method, path, body in asked:
            for _ in range(rule["limit"]):
                answer = http.request(method, path, json=body)
                assert answer.status_code == 200, answer.text


def _jira(source: Served, rule: Rule) -> list[tuple[str, str, Any]]:
    """Return what is to be asked: one thing, or one of each that is limited on its own."""
    version = 2 if rule["kind"] == "jira-datacenter" else 3
    names = _FIRST_ASKED if rule["kind"] in _BY_ENDPOINT else _FIRST_ASKED[:1]
    return [("GET", f"/jira/rest/api/{version}/{name}", None) for name in names]


def _github(kind: str) -> list[tuple[str, str, Any]]:
    """Return what is to be asked: both APIs have a primary limit of their own."""
    rest = ("GET", "/github/api/v3/user", None)
    graphql = ("POST", "/github/api/graphql", {"query": "query { viewer { login } }"})
    return [rest, graphql] if kind == "github-primary" else [rest]


def _signed(source: Served, rule: Rule) -> dict[str, str]:
    given = source.ready[rule["kind"].partition("-")[0]]
    if given["token"].startswith("ATATT"):
        pair = b64encode(f"{given['user']}:{given['token']}".encode()).decode()
        return {"authorization": f"Basic {pair}"}
    return {"authorization": f"Bearer {given['token']}"}
