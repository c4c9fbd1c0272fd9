"""Settings are refused when they are given, not when a run needs them."""

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from integrations.providers.github.settings import GitHubSettings


def of(**values: Any) -> GitHubSettings:
    return msgspec.convert(values, GitHubSettings, strict=False)


def test_settings_may_be_text() -> None:
    found = of(page_size="20", deployments="false", runs_days="7", start_date="2024-05-01")
    assert (found.page_size, found.deployments, found.runs_days) == (20, False, 7)
    assert found.starts_at == datetime(2024, 5, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"repositories": "acme"}, "no owner/name"),
        ({"repositories": "*/ants"}, "only the name may have a"),
        ({"repositories": "acme/a/b"}, "no owner/name"),
        ({"repositories": "acme/../x"}, "no owner/name"),
        ({"repositories": "acme/x?y=1"}, "no owner/name"),
        ({"start_date": "yesterday"}, "no date like"),
        ({"page_size": 0}, "page_size"),
        ({"page_size": 101}, "page_size"),
        ({"api_version": "3"}, "api_version"),
    ],
)
def test_what_no_request_could_be_made_of_is_refused(values: dict[str, Any], said: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=said):
        of(**values)


@pytest.mark.parametrize(
    ("repositories", "sources"),
    [
        ("", ("",)),
        (" , ", ("",)),
        ("acme/*, acme/ui-*,octo/tools", ("acme", "octo/tools")),
        ("acme/ants,ACME/*", ("acme",)),
        ("acme/ants,acme/ants", ("acme/ants",)),
    ],
)
def test_repositories_are_looked_for_once_by_owner_or_by_name(
    repositories: str, sources: tuple[str, ...]
) -> None:
    assert of(repositories=repositories).sources == sources


@pytest.mark.parametrize(
    ("pattern", "name", "is_taken"),
    [
        ("acme/*", "acme/ants", True),
        ("acme/*", "acme2/ants", False),
        ("acme/a.ts", "acme/ants", False),
        ("acme/*-ui", "ACME/Ant-UI", True),
        ("acme/*-ui", "acme/ant-uis", False),
        ("", "anybody/anything", True),
    ],
)
def test_a_pattern_is_of_the_whole_name(pattern: str, name: str, is_taken: bool) -> None:
    assert of(repositories=pattern).takes(name) is is_taken
