"""What a connector may use while it fetches for an integration: implements `contract.Live`."""

from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from functools import cached_property
from typing import Any

from common.http import Site
from integrations.contract import Mode
from integrations.credentials import open_site
from integrations.models import Checkpoint, Integration
from integrations.registry import connector_for
from integrations.settings import read_settings

LoadedIds = Callable[[str, str], list[str]]
"""Returns the source ids of the live rows of a table, or of a part of it."""


def nothing_loaded(table: str, part: str) -> list[str]:
    """The `loaded_ids` of a connection test."""
    return []


class LiveSource:
    """An integration as its connector sees it, for one step of a run. In the tenant's scope.

    window: `since` and `until` of a backfill, as ISO 8601 or None. resumed: (stream, part) of the
    walks that go on from where an earlier run stopped. open_: signs in otherwise than by what the
    integration keeps. before_request: may raise, so that nothing more is asked.
    """

    def __init__(
        self,
        integration: Integration,
        *,
        mode: Mode,
        started_at: datetime,
        window: Mapping[str, str | None] | None = None,
        loaded_ids: LoadedIds = nothing_loaded,
        resumed: Collection[tuple[str, str]] = (),
        open_: Callable[[], Site] | None = None,
        before_request: Callable[[], None] | None = None,
    ) -> None:
        """Raise UsageError for settings that the provider does not take; nothing is sent."""
        self._integration = integration
        self._loaded_ids = loaded_ids
        self._open = open_ or (lambda: open_site(integration, before_request=before_request))
        self._resumed = frozenset(resumed)
        self.settings: Any = read_settings(connector_for(integration.provider), integration)
        self.mode: Mode = mode
        self.started_at = started_at
        self.since = _moment(window, "since")
        self.until = _moment(window, "until")

    @cached_property
    def site(self) -> Site:
        """The site, signed in when it is first used; raises as `open_site` does."""
        return self._open()

    @property
    def opened(self) -> Site | None:
        """The site if it was used, None if nothing was asked yet."""
        return self.__dict__.get("site")

    def mark(self, stream: str, part: str) -> Mapping[str, Any] | None:
        """Return the checkpoint of a part, None if it was never covered or the mode is full."""
        if self.mode == "full":
            return None
        marks = Checkpoint.objects.filter(
            integration=self._integration, stream=stream, part=part, value__isnull=False
        )
        value: Mapping[str, Any] | None = marks.values_list("value", flat=True).first()
        return value

    def is_resumed(self, stream: str, part: str) -> bool:
        """Tell whether the walk of this part goes on from where an earlier run stopped."""
        return (stream, part) in self._resumed

    def loaded_ids(self, table: str, part: str = "") -> list[str]:
        """Return the source ids of the live rows of a table, or of a part of it."""
        return self._loaded_ids(table, part)


def _moment(window: Mapping[str, str | None] | None, name: str) -> datetime | None:
    text = (window or {}).get(name)
    return datetime.fromisoformat(text) if text else None
