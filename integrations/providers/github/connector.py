"""GitHub as a provider."""

from collections.abc import Iterator

import msgspec

from integrations.contract import Connector, Normalized, Record, Stream
from integrations.providers.github import normalize as records
from integrations.providers.github import pages
from integrations.providers.github.presets import PRESETS


class GitHubSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of an integration; reading what GitHub gives needs none."""


class GitHub:
    """Repositories, pull requests and what belongs to them, of github.com or a server of one's
    own; from the REST API, the GraphQL API or recordings of either."""

    slug = "github"
    label = "GitHub"
    version = 2
    streams: tuple[Stream, ...] = (
        Stream("repositories", "repositories", "id"),
        Stream("pulls", "pull_requests", "id"),
        Stream("pull_commits", "pull_request_commits"),
        Stream("reviews", "reviews"),
        Stream("review_comments", "comments", "id"),
        Stream("issue_comments", "comments", "id"),
        Stream("deployments", "deployments", "id"),
    )
    settings_type: type[msgspec.Struct] = GitHubSettings
    presets = PRESETS

    def split(self, stream: str, body: bytes, *, is_lines: bool = False) -> Iterator[Record]:
        """See `pages.split` and `pages.split_lines`."""
        return pages.split_lines(stream, body) if is_lines else pages.split(stream, body)

    def normalize(self, stream: str, record: Record, settings: GitHubSettings) -> Normalized:
        """See `normalize.normalize`."""
        return records.normalize(stream, record)


connector: Connector = GitHub()
