"""What can be set for a GitHub connection."""

import re
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Annotated, Final

import msgspec

from integrations.contract import setting

_OWNER: Final = r"[A-Za-z0-9](?:[A-Za-z0-9_-]{0,99})"
_PATTERN: Final = re.compile(rf"({_OWNER})/([A-Za-z0-9._*-]{{1,100}})")

REPOSITORIES: Final = "repositories"


class GitHubSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, dict=True):
    """What is fetched, and how; reading what GitHub gives needs none of it."""

    repositories: Annotated[
        str,
        setting(
            "Repositories",
            "owner/name, with * in the name for any text. Empty for all that the credential sees.",
            kind="list",
            picks=REPOSITORIES,
        ),
    ] = ""
    start_date: Annotated[
        str,
        setting(
            "Fetch from",
            "Pull requests that were not updated since, and deployments and runs from before, are "
            "left out.",
            kind="date",
        ),
    ] = ""
    deployments: Annotated[bool, setting("Fetch deployments")] = True
    workflow_runs: Annotated[bool, setting("Fetch workflow runs")] = True
    page_size: Annotated[
        int,
        setting(
            "Pull requests a page",
            "Made smaller by itself where GitHub cannot answer it.",
            is_advanced=True,
            ge=1,
            le=100,
        ),
    ] = 50
    lookback_minutes: Annotated[
        int,
        setting(
            "Minutes read again",
            "How far behind its mark a walk reads again.",
            is_advanced=True,
            ge=0,
            le=10_080,
        ),
    ] = 10
    runs_days: Annotated[
        int,
        setting(
            "Days of workflow runs read again",
            "How long a workflow run may be run again, so that it is read again.",
            is_advanced=True,
            ge=0,
            le=400,
        ),
    ] = 30
    api_version: Annotated[
        str,
        setting(
            "Version of the REST API",
            "A date, such as 2022-11-28.",
            is_advanced=True,
            pattern=r"^\d{4}-\d{2}-\d{2}\Z",
        ),
    ] = "2022-11-28"

    def __post_init__(self) -> None:
        """Raise ValueError for what no request could be made of."""
        for pattern in self.patterns:
            if not _PATTERN.fullmatch(pattern):
                raise ValueError(
                    f"repositories: {pattern[:120]!r} is no owner/name; only the name may have a *"
                )
        if self.start_date and self.starts_at is None:
            raise ValueError(f"start_date: {self.start_date[:40]!r} is no date like 2024-12-31")

    @cached_property
    def patterns(self) -> tuple[str, ...]:
        """The patterns of `repositories`, each once, in their order."""
        names = (name.strip() for name in self.repositories.split(","))
        return tuple(dict.fromkeys(name for name in names if name))

    @cached_property
    def sources(self) -> tuple[str, ...]:
        """Where repositories are looked for: an owner, whose listing is read; a whole name; or
        the empty text, for all that the credential sees."""
        owners = dict.fromkeys(_owner(each) for each in self.patterns if "*" in each)
        names = [each for each in self.patterns if "*" not in each and _owner(each) not in owners]
        return (*owners, *names) or ("",)

    @cached_property
    def _matchers(self) -> tuple[re.Pattern[str], ...]:
        return tuple(
            re.compile(re.escape(each).replace(r"\*", ".*"), re.IGNORECASE)
            for each in self.patterns
        )

    def takes(self, full_name: str) -> bool:
        """Tell whether a repository is one of those that are asked for."""
        return not self.patterns or any(each.fullmatch(full_name) for each in self._matchers)

    @cached_property
    def starts_at(self) -> datetime | None:
        """`start_date` as an instant, None if there is none."""
        try:
            return datetime.strptime(self.start_date, "%Y-%m-%d").replace(tzinfo=UTC)
        except ValueError:
            return None

    @property
    def lookback(self) -> timedelta:
        """See `lookback_minutes`."""
        return timedelta(minutes=self.lookback_minutes)


def _owner(pattern: str) -> str:
    return pattern.partition("/")[0].lower()
