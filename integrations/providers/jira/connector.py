"""The Jira connector: what the registry finds."""

from collections.abc import Iterator
from typing import Final

from integrations.contract import Normalized, Record, Stream

from .normalize import normalize
from .pages import split, split_lines
from .presets import PRESETS
from .settings import JiraSettings


class JiraConnector:
    """Jira Cloud and Data Center."""

    slug = "jira"
    label = "Jira"
    version = 2
    streams = (
        Stream("projects", "projects", "id"),
        Stream("issue_types", "wits", "id"),
        Stream("statuses", "statuses", "id"),
        Stream("fields", "custom_fields", "id"),
        Stream("users", "accounts"),
        Stream("sprints", "sprints", "id"),
        Stream("issues", "work_items", "id"),
    )
    settings_type = JiraSettings
    presets = PRESETS

    def split(self, stream: str, body: bytes, *, is_lines: bool = False) -> Iterator[Record]:
        """See `pages.split` and `pages.split_lines`."""
        return split_lines(stream, body) if is_lines else split(stream, body)

    def normalize(self, stream: str, record: Record, settings: JiraSettings) -> Normalized:
        """Turn one record into drafts; raise RecordError if it cannot be understood."""
        return normalize(stream, record, settings)


connector: Final = JiraConnector()
