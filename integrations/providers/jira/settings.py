"""What can be set for a Jira connection."""

import re
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

CustomFieldId: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^customfield_[0-9]+$")]

READING_SETTINGS: Final = ("story_points_field", "sprint_field", "epic_link_field")

_ORDER_BY: Final = re.compile(r"\border\s+by\b", re.IGNORECASE)
_PROJECT: Final = re.compile(r"[A-Za-z0-9_]{1,255}")


class JiraSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What of a site is fetched, how, and which of its custom fields hold what.

    story_points_field: the estimate of a work item. sprint_field: its sprints; without it they
    are recognised by their values. epic_link_field: the epic's key, on sites that have no parent.

    projects: their keys or ids, separated by commas; empty for all that are visible. jql: what
    else an item has to fulfil; it has no ORDER BY. page_size: items a page, which Jira may
    shorten. lookback_minutes: how far behind its mark an incremental run begins, for what the
    index shows late. window_items: a project with more items is walked in several windows of
    time at once. sprints: whether boards and sprints are fetched. gateway_url, token_url: where
    scoped tokens and OAuth are at home.
    """

    story_points_field: CustomFieldId | None = None
    sprint_field: CustomFieldId | None = None
    epic_link_field: CustomFieldId | None = None
    projects: str = ""
    jql: str = ""
    page_size: Annotated[int, msgspec.Meta(ge=2, le=1000)] = 100
    lookback_minutes: Annotated[int, msgspec.Meta(ge=0, le=10_080)] = 10
    window_items: Annotated[int, msgspec.Meta(ge=1)] = 5000
    flavour: Literal["cloud", "datacenter"] = "cloud"
    gateway_url: str = "https://api.atlassian.com"
    token_url: str = "https://auth.atlassian.com/oauth/token"  # noqa: S105
    sprints: bool = True

    def __post_init__(self) -> None:
        """Raise ValueError for what no request could be made of."""
        if _ORDER_BY.search(self.jql):
            raise ValueError("jql must not contain ORDER BY: the walk has an order of its own")
        for name in self.project_names:
            if not _PROJECT.fullmatch(name):
                raise ValueError(f"projects: {name[:60]!r} is neither a key nor an id of a project")

    @property
    def project_names(self) -> list[str]:
        """The keys and ids of `projects`, each once, in their order."""
        names = (name.strip() for name in self.projects.split(","))
        return list(dict.fromkeys(name for name in names if name))

    @property
    def is_cloud(self) -> bool:
        """Whether the site is Jira Cloud (API 3), not Data Center (API 2)."""
        return self.flavour == "cloud"
