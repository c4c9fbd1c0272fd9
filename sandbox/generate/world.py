"""An organisation out of a seed: the same seed and size give the same Jira and GitHub anywhere.

Nothing is held: entity number i is computed from (seed, i), so that a world of a million work
items takes no more memory than one of ten.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Literal
from zoneinfo import ZoneInfo

from sandbox.generate import moments
from sandbox.generate.github import GitHub
from sandbox.generate.jira import Jira
from sandbox.generate.people import People
from sandbox.generate.pulls import PullPlans
from sandbox.generate.site import Site
from sandbox.generate.styles import STYLES, Style
from sandbox.generate.timeline import Lives

Shape = Literal["v2", "v3"]
UNTIL = datetime(2026, 11, 22, 12, tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """An organisation of a size. The number of pull requests follows from that of the items.

    until: the last instant of its history. lean: leave out what is null or decoration.
    shape: Jira entities as the agile board API gives them (v2) or as search does (v3, rich text).
    zone: of the viewers of Jira, that of the style if None; it is fixed at the offset of `until`.
    """

    items: int
    seed: int = 1
    style_name: str = "acme"
    until: datetime = UNTIL
    days: int = 425
    lean: bool = False
    shape: Shape = "v2"
    zone: str | None = None

    def __post_init__(self) -> None:
        if self.items < 1:
            raise ValueError("a world has at least one work item")

    @property
    def pulls(self) -> int:
        """How many pull requests there are."""
        return max(1, self.items // 3)

    @cached_property
    def style(self) -> Style:
        """How the organisation names things."""
        style = STYLES[self.style_name]
        if self.zone is None:
            return style
        offset = self.until.astimezone(ZoneInfo(self.zone)).utcoffset() or timedelta()
        minutes = int(offset / timedelta(minutes=1))
        return replace(style, time_zone=self.zone, offset_minutes=minutes)

    @cached_property
    def site(self) -> Site:
        """What its Jira site is set up with."""
        until = moments.of(self.until)
        projects = min(200, max(3, self.items // 5_000))
        return Site(self.style, projects, until - self.days * moments.DAY, until)

    @cached_property
    def people(self) -> People:
        """Who works there."""
        return People(self.seed, self.style, min(2_000, max(12, self.items // 50)))

    @cached_property
    def lives(self) -> Lives:
        """The course of every work item."""
        return Lives(self.seed, self.items, self.site, self.people)

    @cached_property
    def jira(self) -> Jira:
        """Its Jira."""
        return Jira(
            self.seed, self.items, self.lives, self.site, self.people, self.lean, self.shape
        )

    @cached_property
    def github(self) -> GitHub:
        """Its GitHub."""
        plans = PullPlans(self.seed, self.items, self.pulls, self.lives, self.site, self.people)
        return GitHub(self.seed, plans, self.people, self.lean)
