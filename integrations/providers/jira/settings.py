"""What can be set for a Jira connection."""

import re
from typing import Annotated, Final, Literal, TypeAlias

import msgspec

from integrations.contract import setting

CustomFieldId: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^customfield_[0-9]+$")]

READING_SETTINGS: Final = ("story_points_field", "sprint_field", "epic_link_field")

PROJECTS: Final = "projects"
BOARDS: Final = "boards"
CUSTOM_FIELDS: Final = "custom_fields"

_ORDER_BY: Final = re.compile(r"\border\s+by\b", re.IGNORECASE)
_PROJECT: Final = re.compile(r"[A-Za-z0-9_]{1,255}")
_BOARD: Final = re.compile(r"[0-9]{1,19}")


class JiraSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What of a site is fetched, how, and which of its custom fields hold what."""

    projects: Annotated[
        str,
        setting(
            "Projects",
            "Their keys or ids. Empty for all that the account sees.",
            kind="list",
            picks=PROJECTS,
        ),
    ] = ""
    jql: Annotated[
        str,
        setting(
            "Only items that match (JQL)",
            "What else an item has to fulfil, such as “labels = delivery”, without ORDER BY.",
            kind="long_text",
        ),
    ] = ""
    story_points_field: Annotated[
        CustomFieldId | None,
        setting(
            "Field of story points",
            "The estimate of a work item.",
            picks=CUSTOM_FIELDS,
            kind="text",
        ),
    ] = None
    sprints: Annotated[bool, setting("Fetch boards and sprints")] = True
    boards: Annotated[
        str,
        setting(
            "Boards",
            "Their ids. Empty for all boards of the projects.",
            kind="list",
            picks=BOARDS,
        ),
    ] = ""
    flavour: Annotated[
        Literal["cloud", "datacenter"],
        setting("Kind of Jira", "Cloud at atlassian.net, datacenter on a server of your own."),
    ] = "cloud"
    sprint_field: Annotated[
        CustomFieldId | None,
        setting(
            "Field of sprints",
            "Without it they are recognised by their values.",
            picks=CUSTOM_FIELDS,
            is_advanced=True,
        ),
    ] = None
    epic_link_field: Annotated[
        CustomFieldId | None,
        setting(
            "Field of the epic",
            "Holds the epic's key, on sites whose items have no parent.",
            picks=CUSTOM_FIELDS,
            is_advanced=True,
        ),
    ] = None
    page_size: Annotated[
        int, setting("Items a page", "Jira may shorten it.", is_advanced=True, ge=2, le=1000)
    ] = 100
    lookback_minutes: Annotated[
        int,
        setting(
            "Minutes read again",
            "How far behind its mark an incremental run begins, for what the index shows late.",
            is_advanced=True,
            ge=0,
            le=10_080,
        ),
    ] = 10
    window_items: Annotated[
        int,
        setting(
            "Items a window",
            "A project with more items is walked in several windows of time at once.",
            is_advanced=True,
            ge=1,
        ),
    ] = 5000
    gateway_url: Annotated[
        str,
        setting("Gateway", "Where scoped tokens and OAuth are at home.", is_advanced=True),
    ] = "https://api.atlassian.com"
    token_url: Annotated[
        str, setting("Address of tokens", "Where OAuth gives new ones.", is_advanced=True)
    ] = "https://auth.atlassian.com/oauth/token"  # noqa: S105

    def __post_init__(self) -> None:
        """Raise ValueError for what no request could be made of."""
        if _ORDER_BY.search(self.jql):
            raise ValueError(
                "jql: no ORDER BY may stand in it, for the walk has an order of its own"
            )
        for name in self.project_names:
            if not _PROJECT.fullmatch(name):
                raise ValueError(f"projects: {name[:60]!r} is neither a key nor an id of a project")
        for board in self.board_ids:
            if not _BOARD.fullmatch(board):
                raise ValueError(f"boards: {board[:60]!r} is no id of a board, which is a number")

    @property
    def project_names(self) -> list[str]:
        """The keys and ids of `projects`, each once, in their order."""
        return _parts(self.projects)

    @property
    def board_ids(self) -> list[str]:
        """The ids of `boards`, each once, in their order."""
        return _parts(self.boards)

    @property
    def is_cloud(self) -> bool:
        """Whether the site is Jira Cloud (API 3), not Data Center (API 2)."""
        return self.flavour == "cloud"


def _parts(text: str) -> list[str]:
    """Return what stands between commas, each once, in its order."""
    names = (name.strip() for name in text.split(","))
    return list(dict.fromkeys(name for name in names if name))
