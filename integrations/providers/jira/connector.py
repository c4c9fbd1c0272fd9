"""The Jira connector: what the registry finds."""

from collections.abc import Iterator, Mapping
from typing import Final

from integrations.contract import (
    Access,
    Ask,
    Check,
    Difference,
    Fetched,
    Found,
    Live,
    Normalized,
    OpenSite,
    Record,
    Stream,
)

from . import auth, checks, discover, metadata, reconcile
from .fetch import fetch
from .normalize import normalize
from .pages import split, split_lines
from .places import Roster, ask_at
from .presets import PRESETS
from .settings import READING_SETTINGS, JiraSettings


class JiraConnector:
    """Jira Cloud and Data Center."""

    slug = "jira"
    label = "Jira"
    description = "Work items with their whole history, sprints and the site's custom fields."
    version = 3
    streams = (
        Stream("projects", "projects", "id"),
        Stream("issue_types", "wits", "id"),
        Stream("statuses", "statuses", "id"),
        Stream("fields", "custom_fields", "id"),
        Stream("users", "accounts"),
        Stream("sprints", "sprints", "id"),
        Stream("issues", "work_items", "id"),
        Stream("changelogs", "work_item_changelogs"),
    )
    settings_type = JiraSettings
    presets = PRESETS
    auth_methods = auth.METHODS
    discoveries = discover.DISCOVERIES
    default_url = ""
    url_example = "https://acme.atlassian.net"
    reading_settings = READING_SETTINGS

    def split(self, stream: str, body: bytes, *, is_lines: bool = False) -> Iterator[Record]:
        """See `pages.split` and `pages.split_lines`."""
        return split_lines(stream, body) if is_lines else split(stream, body)

    def normalize(self, stream: str, record: Record, settings: JiraSettings) -> Normalized:
        """Turn one record into drafts; raise RecordError if it cannot be understood."""
        return normalize(stream, record, settings)

    def access(
        self, base_url: str, settings: JiraSettings, method: str, credentials: Mapping[str, str]
    ) -> Access:
        """See `auth.access`."""
        return auth.access(base_url, settings, method, credentials)

    def renew(
        self,
        base_url: str,
        settings: JiraSettings,
        method: str,
        credentials: Mapping[str, str],
        open_site: OpenSite,
    ) -> dict[str, str]:
        """See `auth.renew`."""
        return auth.renew(base_url, settings, method, credentials, open_site)

    def begin(self, live: Live) -> list[Ask]:
        """Return the asks of metadata; all others follow from them."""
        return metadata.first_asks()

    def fetch(self, ask: Ask, live: Live) -> Fetched:
        """Do the requests of one ask; see `fetch.fetch`."""
        return fetch(ask, live)

    def census(self, live: Live) -> list[Ask]:
        """Return the ask of the projects that are there, from which the census follows."""
        return [ask_at(Roster(is_census=True), "projects")]

    def reconcile(self, difference: Difference, live: Live) -> list[Ask]:
        """Return the asks that fetch what is missing and look into what is extra."""
        return reconcile.asks_of(difference)

    def check(self, live: Live) -> Iterator[Check]:
        """Test a connection step by step; ends after the first step that fails."""
        return checks.check(live)

    def discover(self, live: Live, slug: str, search: str) -> Iterator[Found]:
        """See `discover.discover`."""
        return discover.discover(live, slug, search)


connector: Final = JiraConnector()
