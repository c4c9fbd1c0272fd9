"""What can be set for a Jira connection."""

from typing import Annotated, TypeAlias

import msgspec

CustomFieldId: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^customfield_[0-9]+$")]


class JiraSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which custom fields of the site hold what.

    story_points_field: the estimate of a work item. sprint_field: its sprints; without it they
    are recognised by their values. epic_link_field: the epic's key, on sites that have no parent.
    """

    story_points_field: CustomFieldId | None = None
    sprint_field: CustomFieldId | None = None
    epic_link_field: CustomFieldId | None = None
