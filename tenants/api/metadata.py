"""What OPTIONS answers."""

from typing import Any

from rest_framework.metadata import SimpleMetadata
from rest_framework.request import Request


class PlainMetadata(SimpleMetadata):
    """Name, description and media types of a view; what its actions take is in the schema.

    Finding that out from the view would ask whether each action is permitted, as another request.
    """

    def determine_actions(self, request: Request, view: Any) -> dict[str, Any]:
        """Return nothing."""
        return {}
