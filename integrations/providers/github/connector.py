"""GitHub as a provider."""

from collections.abc import Iterator, Mapping

import msgspec

from integrations.contract import (
    Access,
    Ask,
    AuthMethod,
    Check,
    Connector,
    Difference,
    Discovery,
    Fetched,
    Found,
    Live,
    Normalized,
    OpenSite,
    Record,
    Stream,
)
from integrations.providers.github import (
    auth,
    census,
    checks,
    discover,
    listing,
    pages,
    walks,
)
from integrations.providers.github import normalize as records
from integrations.providers.github.presets import PRESETS
from integrations.providers.github.settings import GitHubSettings


class GitHub:
    """Repositories, pull requests and what belongs to them, of github.com or a server of one's
    own; from the REST API, the GraphQL API or recordings of either."""

    slug = "github"
    label = "GitHub"
    description = "Pull requests with commits, reviews and comments, deployments, workflow runs."
    version = 3
    streams: tuple[Stream, ...] = (
        Stream("repositories", "repositories", "id"),
        Stream("pulls", "pull_requests", "id"),
        Stream("pull_commits", "pull_request_commits"),
        Stream("reviews", "reviews"),
        Stream("review_comments", "comments", "id"),
        Stream("issue_comments", "comments", "id"),
        Stream("deployments", "deployments", "id"),
        Stream("workflow_runs", "workflow_runs", "id"),
    )
    settings_type: type[msgspec.Struct] = GitHubSettings
    presets = PRESETS
    auth_methods: tuple[AuthMethod, ...] = auth.METHODS
    discoveries: tuple[Discovery, ...] = discover.DISCOVERIES
    default_url = "https://api.github.com"
    url_example = "https://github.example.com/api/v3"
    reading_settings: tuple[str, ...] = ()

    def split(self, stream: str, body: bytes, *, is_lines: bool = False) -> Iterator[Record]:
        """See `pages.split` and `pages.split_lines`."""
        return pages.split_lines(stream, body) if is_lines else pages.split(stream, body)

    def normalize(self, stream: str, record: Record, settings: GitHubSettings) -> Normalized:
        """See `normalize.normalize`."""
        return records.normalize(stream, record)

    def access(
        self,
        base_url: str,
        settings: GitHubSettings,
        method: str,
        credentials: Mapping[str, str],
    ) -> Access:
        """See `auth.access`."""
        return auth.access(base_url, settings, method, credentials)

    def renew(
        self,
        base_url: str,
        settings: GitHubSettings,
        method: str,
        credentials: Mapping[str, str],
        open_site: OpenSite,
    ) -> dict[str, str]:
        """See `auth.renew`."""
        return auth.renew(base_url, settings, method, credentials, open_site)

    def begin(self, live: Live) -> list[Ask]:
        """See `listing.begin`."""
        return listing.begin(live)

    def fetch(self, ask: Ask, live: Live) -> Fetched:
        """See `walks.fetch`."""
        return walks.fetch(ask, live)

    def census(self, live: Live) -> list[Ask]:
        """See `census.census`."""
        return census.census(live)

    def reconcile(self, difference: Difference, live: Live) -> list[Ask]:
        """See `census.reconcile`."""
        return census.reconcile(difference, live)

    def check(self, live: Live) -> Iterator[Check]:
        """See `checks.check`."""
        return checks.check(live)

    def discover(self, live: Live, slug: str, search: str) -> Iterator[Found]:
        """See `discover.discover`."""
        return discover.discover(live, slug, search)


connector: Connector = GitHub()
