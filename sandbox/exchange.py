"""A request and what is known of it, shared by everything that handles it on its way."""

from dataclasses import dataclass
from typing import Literal, cast
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.types import Scope

from sandbox.accounts import Token

System = Literal["jira", "github", ""]
_MEMBER = "sandbox"


@dataclass
class Exchange:
    """One request.

    path: within the system, such as `/rest/api/3/search/jql`. kind: what it is counted as.
    token: the credential that it named, known or not valid here; None for none that is known.
    points: what it costs, which handlers may raise; resource: whose primary GitHub limit it uses.
    """

    system: System
    method: str
    path: str
    query: str
    body: bytes
    kind: str = "other"
    token: Token | None = None
    points: int = 1
    resource: str = "core"

    @property
    def parameters(self) -> dict[str, str]:
        """The query's parameters; of a repeated one the last."""
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def owner(self) -> str:
        """Whose request budget it uses: the app's or the account's."""
        return self.token.owner if self.token else "anonymous"

    @property
    def line(self) -> str:
        """What rules match against, such as `GET /jira/rest/api/3/myself`."""
        query = f"?{self.query}" if self.query else ""
        return f"{self.method} /{self.system}{self.path}{query}"


def begin(scope: Scope, exchange: Exchange) -> None:
    """Attach the exchange to a connection's scope."""
    scope[_MEMBER] = exchange


def exchange_of(request: Request) -> Exchange:
    """Return the exchange of a request."""
    return in_scope(request.scope)


def in_scope(scope: Scope) -> Exchange:
    """Return the exchange of a connection's scope."""
    return cast(Exchange, scope[_MEMBER])
