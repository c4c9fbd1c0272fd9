"""How operations are described: what they take, what may go wrong, in which tenant."""

from typing import Any, Final

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from tenants.api import security_schemes as security_schemes
from tenants.api.fields import SparseMixin
from tenants.api.headers import IDEMPOTENCY_KEY, TENANT
from tenants.permissions import ROLE_CAPABILITIES, Capability

PROBLEMS: Final = {
    "400": "What was sent cannot be read, or is not valid.",
    "401": "Nobody is signed in, or what they show is not valid any more.",
    "403": "The role, or the scopes of the token, do not permit it.",
    "404": "There is no such thing in the tenant.",
    "405": "The address takes other methods.",
    "406": "It cannot be had in the form that is asked for.",
    "409": "It cannot be done as things stand.",
    "412": "It was changed since it was read.",
    "413": "The body is too large.",
    "415": "The body is not JSON.",
    "422": "The idempotency key was given with another request.",
    "429": "Too many requests: Retry-After tells the seconds to wait.",
    "503": "The database does not answer at the moment: Retry-After tells when to ask again.",
}
_UNSAFE_ONLY: Final = {"409", "412", "413", "415", "422"}


class ApiSchema(AutoSchema):
    """Adds to each operation the headers and the problems that all of them share."""

    def get_override_parameters(self) -> list[Any]:
        parameters = list(super().get_override_parameters())
        if hasattr(self.view, "capability_of"):
            parameters.append(
                OpenApiParameter(
                    TENANT,
                    {"type": "string", "pattern": "^[-a-zA-Z0-9_]{1,64}$"},
                    OpenApiParameter.HEADER,
                    description="Slug of the tenant, for those who may see several.",
                )
            )
        if getattr(self._handler(), "is_idempotent", False):
            parameters.append(
                OpenApiParameter(
                    IDEMPOTENCY_KEY,
                    {"type": "string", "pattern": "^[!-~]{1,255}$"},
                    OpenApiParameter.HEADER,
                    description="Chosen by the caller: asked twice with it, it is done once.",
                )
            )
        return parameters

    def _sparse_fields(self) -> list[str]:
        """Return the fields that a reader may choose from; none where there is no choice.

        They are told in words: as a parameter, none of the answer's fields could be required.
        """
        action = getattr(self.view, "action", None)
        if self.method != "GET" or action not in ("list", "retrieve"):
            return []
        serializer = self.get_response_serializers()
        found = getattr(serializer, "child", serializer)
        fields = getattr(found, "fields", {})
        return list(fields) if isinstance(found, SparseMixin) else []

    def get_description(self) -> str:  # type: ignore[override]
        told = super().get_description() or ""
        if names := self._sparse_fields():
            told += f"\n\n`?fields=` with some of {', '.join(names)} shows these only."
        return f"{told}\n\n{self._needs()}".strip()

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        operation = super().get_operation(*args, **kwargs)
        if operation:
            problem = {"$ref": "#/components/schemas/Problem"}
            for status, description in PROBLEMS.items():
                if status in _UNSAFE_ONLY and self.method in ("GET", "HEAD"):
                    continue
                operation["responses"].setdefault(
                    status,
                    {
                        "description": description,
                        "content": {"application/problem+json": {"schema": problem}},
                    },
                )
        return operation

    def _handler(self) -> Any:
        name = getattr(self.view, "action", None) or self.method.lower()
        return getattr(self.view, name, None)

    def _needs(self) -> str:
        if not hasattr(self.view, "capability_of"):
            return "Needs nothing."
        action = getattr(self.view, "action", None) or self.method.lower()
        needed = self.view.capability_of(action, self.method)
        if getattr(self.view, "people_only", False):
            return "Needs an account that is signed in: not for API tokens."
        if needed is None:
            return "Needs an account."
        return f"Needs the scope `{needed.name.lower()}`: {', '.join(holders(needed))}."


def holders(capability: Capability) -> list[str]:
    """Return who has a capability, in words."""
    roles = [role.label.lower() for role, held in ROLE_CAPABILITIES.items() if capability in held]
    return [*roles, "operator"]


def add_problem(result: dict[str, Any], generator: Any, **_kwargs: Any) -> dict[str, Any]:
    """Describe problem details, once, as a hook of the generator."""
    text = {"type": "string"}
    result.setdefault("components", {}).setdefault("schemas", {})["Problem"] = {
        "type": "object",
        "description": "Problem details (RFC 9457).",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": text,
            "title": text,
            "status": {"type": "integer"},
            "detail": text,
            "trace_id": text,
            "errors": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["detail"],
                    "properties": {
                        "detail": text,
                        "code": text,
                        "pointer": {**text, "description": "JSON pointer into the body."},
                        "parameter": {**text, "description": "Name of a query parameter."},
                    },
                },
            },
        },
        "example": {
            "type": "/api/docs/problems/#invalid",
            "title": "Bad Request",
            "status": 400,
            "detail": "from_name: This field is required.",
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
            "errors": [
                {
                    "pointer": "/from_name",
                    "detail": "This field is required.",
                    "code": "required",
                }
            ],
        },
    }
    return result
