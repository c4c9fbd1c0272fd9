"""A program that edits the rules of a tenant with loaded work items."""

from typing import Any

from rest_framework.test import APIClient

from mappings.models import WitHierarchy, Workflow
from tenants.models import Role
from tests.admin.rules_world import Editor


class Program(Editor):
    """Asks the API in the name of an editor."""

    def __init__(self, slug: str = "") -> None:
        super().__init__(slug)
        self.api = APIClient()
        self.api.cookies = self.client.cookies

    def other(self, role: Role) -> APIClient:
        """A program of another member."""
        client = APIClient()
        client.cookies = self.entered(role).cookies
        return client

    def read(self, path: str, **headers: str) -> Any:
        """Read below /api/v1/."""
        answer = self.api.get(f"/api/v1/{path}", headers=headers or None)
        assert answer.status_code == 200, answer.content
        return answer.json()

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Any:
        """Ask below /api/v1/; return the answer."""
        return getattr(self.api, method)(
            f"/api/v1/{path}", body, format="json", headers=headers or None
        )

    def level(self, level: int) -> int:
        """The id of a level."""
        return int(self.get(WitHierarchy, level=level).pk)

    def workflow(self) -> dict[str, Any]:
        """The one workflow as it is read."""
        found: dict[str, Any] = self.read(f"workflows/{self.get(Workflow).pk}/")
        return found

    def type_rule(self, **members: Any) -> dict[str, Any]:
        """A body of a rule for types."""
        return {"from_name": "Chore", "target": "Task", "hierarchy": self.level(0), **members}
