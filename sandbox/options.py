"""How an organisation's servers behave: chosen at the start, changed by control while they run."""

from dataclasses import dataclass, fields, replace
from typing import Any, Literal, get_args

Mode = Literal["cloud", "datacenter"]


@dataclass(frozen=True, kw_only=True)
class Options:
    """Behaviour that a client can meet; the defaults are those of a quiet day.

    mode: which Jira it is. latency_ms: added to every answer of Jira and GitHub.
    index_lag_seconds: virtual time until a change of an issue can be searched; index_flicker:
    the share of searches in which an issue changed within the last ten virtual minutes is absent.
    user_zone: the zone of Jira's users, that of the organisation if None.
    short_pages, empty_pages, omit_is_last: what search/jql may do without notice.
    search_token_seconds: virtual life of a page token; access_token_seconds: real life of an OAuth
    access token or an installation token. bulk_histories: the most histories of a page of
    changelog/bulkfetch. graphql_node_limit: a GraphQL query of more nodes fails as
    graphql_heavy says; 0 for never. github_issue_pages: how many pages of issues may be asked for
    by number and not by cursor. github_enterprise: it is a server of one's own, which has no
    limits unless rules are set.
    """

    mode: Mode = "cloud"
    latency_ms: int = 0
    index_lag_seconds: float = 0.0
    index_flicker: float = 0.0
    user_zone: str | None = None
    short_pages: bool = False
    empty_pages: bool = False
    omit_is_last: bool = False
    search_token_seconds: float = 7 * 86_400
    access_token_seconds: float = 3_600
    bulk_histories: int = 10_000
    graphql_node_limit: int = 0
    graphql_heavy: Literal["502", "504", "no_data"] = "502"
    github_issue_pages: int = 100
    github_enterprise: bool = False

    @property
    def is_cloud(self) -> bool:
        """Whether Jira is the Cloud one."""
        return self.mode == "cloud"

    def changed(self, values: dict[str, Any]) -> "Options":
        """Return options with other values; raise ValueError on an unknown name or a wrong type."""
        known = {field.name: field.type for field in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"there is no option {name!r}; there are {', '.join(known)}")
            _check(name, known[name], value)
        return replace(self, **values)


def _check(name: str, kind: Any, value: Any) -> None:
    """Raise ValueError if a value is not of the option's type; a whole number may be a float."""
    if get_args(kind) and kind != (str | None):
        if value not in get_args(kind):
            raise ValueError(f"{name} is one of {', '.join(get_args(kind))}, not {value!r}")
        return
    if kind is float and type(value) is int:
        return
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"{name} cannot be {value!r}")
