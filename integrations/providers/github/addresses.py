"""Where the two APIs are below the address of a site."""

from urllib.parse import urlsplit


def rest_path(api_url: str, path: str) -> str:
    """Return a path of the REST API, `/…`, as it is joined to `api_url`."""
    return path if _is_api_host(api_url) else f"/api/v3{path}"


def graphql_path(api_url: str) -> str:
    """Return the path of the GraphQL API as it is joined to `api_url`."""
    return "/graphql" if _is_api_host(api_url) else "/api/graphql"


def _is_api_host(api_url: str) -> bool:
    """Tell whether the API has a host of its own, as that of github.com and ghe.com does."""
    host = (urlsplit(api_url).hostname or "").lower()
    return host == "api.github.com" or (host.startswith("api.") and host.endswith(".ghe.com"))
