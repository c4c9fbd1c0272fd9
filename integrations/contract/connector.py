"""The connector: what the registry expects of a provider."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import msgspec

from common.http import Site
from integrations.contract.access import Access, AuthMethod
from integrations.contract.discovery import Discovery, Found
from integrations.contract.fetching import Ask, Check, Difference, Fetched, Live
from integrations.contract.presets import Presets
from integrations.contract.records import Normalized, Record

OpenSite = Callable[[str, Mapping[str, str]], Site]
"""Opens an address with headers, for requests that are made before one is signed in."""


class Stream(msgspec.Struct, frozen=True):
    """One kind of resource of a provider.

    name: as in file names and queue rows (`issues`). table: the table whose rows its records
    mainly become. key: the record's member that is the row's `source_id`, None where a record
    cannot be recognised before it is decoded; then unchanged records are not skipped.
    """

    name: str
    table: str
    key: str | None = None


class Connector(Protocol):
    """What the registry expects at `integrations.providers.<slug>.connector.connector`."""

    slug: str
    label: str
    description: str
    """What it brings, in a sentence, for whoever chooses a provider."""
    version: int
    """Raised whenever `normalize` gives other drafts for the same bytes."""
    streams: tuple[Stream, ...]
    settings_type: type[msgspec.Struct]
    presets: Presets
    auth_methods: tuple[AuthMethod, ...]
    """The first one is taken where none is named."""
    discoveries: tuple[Discovery, ...]
    """What its source can be asked for to choose from; settings name them in `picks`."""
    default_url: str
    """The base URL where none is given; empty if there is no such."""
    url_example: str
    """A base URL as people know it, for those who enter one."""
    reading_settings: tuple[str, ...]
    """The settings that `normalize` depends on; a change of another needs no re-transform."""

    # ---- reading, pure: bytes in, drafts out; no database, no network, no clock

    def split(self, stream: str, body: bytes, *, is_lines: bool = False) -> Iterator[Record]:
        """Split a response body into records without decoding them; raise RecordError if it
        is no page of this stream.

        is_lines: the body is lines of a file, each of them an entity or a page. A record's
        position is then the index of its line, blank lines counted, and nothing is refused:
        what a line gives depends on that line alone.
        """

    def normalize(self, stream: str, record: Record, settings: Any) -> Normalized:
        """Turn one record into drafts; raise RecordError if it cannot be understood."""

    # ---- signing in

    def access(
        self, base_url: str, settings: Any, method: str, credentials: Mapping[str, str]
    ) -> Access:
        """Return where and how to send requests; raise UsageError that says what is wrong."""

    def renew(
        self,
        base_url: str,
        settings: Any,
        method: str,
        credentials: Mapping[str, str],
        open_site: OpenSite,
    ) -> dict[str, str]:
        """Return credentials whose access is not yet due to be renewed, such as a new token.

        Called under a lock by one process, when `Access.renew_at` has come. Raises PermanentError
        if somebody has to sign in anew.
        """

    # ---- fetching: HTTP through `live.site` alone; no database

    def begin(self, live: Live) -> list[Ask]:
        """Return the first asks of a run; without requests."""

    def fetch(self, ask: Ask, live: Live) -> Fetched:
        """Do the requests of one ask. Raises TransientError, WaitError, PermanentError."""

    def census(self, live: Live) -> list[Ask]:
        """Return the asks that find out what is still there; made once all else is loaded."""

    def reconcile(self, difference: Difference, live: Live) -> list[Ask]:
        """Return the asks that fetch what is missing and look into what is extra."""

    def check(self, live: Live) -> Iterator[Check]:
        """Test a connection step by step; ends after the first step that fails."""

    def discover(self, live: Live, slug: str, search: str) -> Iterator[Found]:
        """Give what there is of one of the `discoveries`, page by page as it is taken.

        search: words that a find has to have, empty for all; where the source can search it does,
        and what it gives beside is left out by whoever asks. Raises as `fetch` does.
        """


def stream_named(connector: Connector, name: str) -> Stream:
    """Return the connector's stream of this name; raise KeyError."""
    return {stream.name: stream for stream in connector.streams}[name]


def auth_method(connector: Connector, slug: str) -> AuthMethod:
    """Return the connector's way to sign in of this name; raise KeyError."""
    return {method.slug: method for method in connector.auth_methods}[slug]
