"""What a request to Jira is counted as, told by its shape."""

import re

from sandbox.exchange import Exchange
from sandbox.jira.searches import is_census

_GATEWAY = re.compile(r"^/ex/jira/[^/]+")
_KINDS = (
    ("auth", re.compile(r"^/(oauth/|_edge/|rest/api/[^/]+/myself$)")),
    ("changelogs", re.compile(r"^/rest/api/[^/]+/(changelog/bulkfetch|issue/[^/]+/changelog)$")),
    ("check", re.compile(r"^/rest/api/[^/]+/issue/[^/]+$")),
    (
        "metadata",
        re.compile(
            r"^/rest/(agile/|api/[^/]+/(serverInfo|project|issuetype|status|field|users?|"
            r"search/approximate-count|permissions|mypermissions))"
        ),
    ),
)
_SEARCH = re.compile(r"^/rest/api/[^/]+/search(/jql)?$")


def kind_of(exchange: Exchange) -> str:
    """Return items, census, changelogs, metadata, check, auth or other."""
    path = _GATEWAY.sub("", exchange.path)
    if _SEARCH.match(path):
        census = is_census(
            exchange.method, exchange.parameters, exchange.body, is_cloud=path.endswith("/jql")
        )
        return "census" if census else "items"
    return next((kind for kind, pattern in _KINDS if pattern.match(path)), "other")
