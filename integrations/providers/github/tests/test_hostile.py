"""Whatever stands in whatever place: a record is read or refused, and nothing else happens."""

import copy
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import RecordError
from integrations.providers.github.connector import connector
from integrations.providers.github.settings import GitHubSettings
from integrations.providers.github.tests import test_graphql as nodes
from integrations.providers.github.tests.samples import ENTITIES, encoded

NODES: list[tuple[str, Any]] = [
    ("pulls", nodes.PULL | {"commits": {"nodes": [nodes.COMMIT]}}),
    ("pulls", nodes.PULL | {"reviews": {"nodes": [nodes.REVIEW]}}),
    ("pull_commits", {"node": nodes.COMMIT, "repository": "acme/ants", "pull_number": 7}),
    ("reviews", nodes.REVIEW),
    ("issue_comments", nodes.COMMENT),
    ("deployments", nodes.DEPLOYMENT),
    ("repositories", nodes.REPOSITORY),
]
RESPONSES: list[tuple[str, Any]] = [
    (
        stream,
        {"data": {"repository": {"nameWithOwner": "acme/ants", "pullRequests": connection}}},
    )
    for connection in ({"nodes": [nodes.PULL]}, {"edges": [{"node": nodes.PULL}]})
    for stream in ("pulls", "repositories")
]
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(min_value=2**31 - 1, max_value=2**65),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=5),
    st.sampled_from(["http://[", "https://x/repos/a/b/pulls/0", "2024-05-01T10:00:00", "\0"]),
    st.just([]),
    st.just({}),
    st.just([None]),
    st.just([7]),
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths of everything inside a value."""
    below: Any = (
        value.items() if isinstance(value, dict) else
        enumerate(value) if isinstance(value, list) else ()
    )  # fmt: skip
    return [place for key, inner in below for place in [(*path, key), *places(inner, (*path, key))]]


def replaced(value: Any, path: tuple[Any, ...], odd: Any) -> Any:
    changed = inner = copy.deepcopy(value)
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = odd
    return changed


@pytest.mark.parametrize(("stream", "whole"), [*ENTITIES.items(), *NODES, *RESPONSES])
@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_an_odd_value_in_any_place_is_read_or_refused(
    stream: str, whole: Any, data: st.DataObject
) -> None:
    body = encoded(replaced(whole, data.draw(st.sampled_from(places(whole))), data.draw(ODD)))
    try:
        for record in connector.split(stream, body):
            made = connector.normalize(stream, record, GitHubSettings())
            assert all(problem.path or problem.severity == "note" for problem in made.problems)
            assert b"\\u0000" not in msgspec.json.encode(made.drafts)
    except RecordError as refused:
        assert refused.reason
