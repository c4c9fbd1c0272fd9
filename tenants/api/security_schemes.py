"""How the ways to sign in are described in the schema."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """A JWT or an API token, both in the header Authorization."""

    target_class = "tenants.api.bearer.Bearer"
    name = ["jwt", "apiToken"]

    def get_security_requirement(self, auto_schema: Any) -> Any:
        return [{"jwt": []}, {"apiToken": []}]

    def get_security_definition(self, auto_schema: Any) -> Any:
        return [
            {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "JWT",
                "description": "The access token that `POST /api/v1/auth/token/` gives.",
            },
            {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "etl_…",
                "description": "An API token, of one person in one tenant, with scopes.",
            },
        ]
