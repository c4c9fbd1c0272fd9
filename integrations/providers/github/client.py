"""HTTP to GitHub's two APIs: sends requests, and says what a refusal means."""

import re
from collections.abc import Collection, Mapping
from typing import Any, Final

from common.errors import PermanentError, TransientError
from common.http import Answer, Site
from common.retry_after import parse_retry_after
from integrations.providers.github import limits
from integrations.providers.github.addresses import graphql_path, rest_path
from integrations.providers.github.replies import (
    HeavyError,
    Reply,
    read_reply,
    unreadable,
)

REST: Final = "rest"
GRAPHQL: Final = "graphql"

_REDIRECTS: Final = (301, 302, 307, 308)
_MOST_REDIRECTS: Final = 3
_NEXT: Final = re.compile(r'<([^<>]*)>\s*;(?:[^<,]*;)?\s*rel="?next"?', re.IGNORECASE)
_OLD_SERVER: Final = "fullDatabaseId"


class Client:
    """The REST and the GraphQL API of a site."""

    def __init__(self, site: Site) -> None:
        self._site = site

    def get(
        self,
        path: str,
        params: Mapping[str, str | int] | None = None,
        *,
        passed: Collection[int] = (),
    ) -> Answer:
        """Return the answer of a REST path, or of a URL that GitHub gave, which is taken as is.

        passed: statuses besides 200 that the caller understands. Renamed repositories are
        followed. Raises TransientError, WaitError, PermanentError; UnreadableError if it is
        no JSON.
        """
        is_given = path.startswith(("http://", "https://"))
        address = path if is_given else rest_path(self._site.api_url, path)
        for _ in range(_MOST_REDIRECTS):
            answer = self._site.get(address, params, scope=REST)
            limits.obey(self._site, answer, REST)
            location = answer.headers.get("location", "")
            if answer.status not in _REDIRECTS or not location:
                break
            address, params = _absolute(location), None
        if answer.status in passed:
            return answer
        if answer.status != 200:
            raise refusal(answer)
        check_json(answer)
        return answer

    def graphql(self, query: str, variables: Mapping[str, Any]) -> Reply:
        """Return what a query gave, in part perhaps.

        Raises HeavyError if GitHub could not answer so large a query; CursorError if it refuses
        the place to go on from; UnreadableError if the answer is no JSON; TransientError,
        WaitError, PermanentError.
        """
        reply = self._query(query, variables)
        if reply.is_unknown_field(_OLD_SERVER):
            # Servers before 3.13 do not have it; there the other id is still large enough.
            reply = self._query(query.replace(_OLD_SERVER, "databaseId"), variables)
        reply.check()
        return reply

    def next_url(self, answer: Answer) -> str | None:
        """Return the address of the next page as GitHub gave it, None on the last one.

        Raises PermanentError for one elsewhere: asked again, the page may name a better one.
        """
        found = _NEXT.search(answer.headers.get("link", ""))
        if found is None:
            return None
        if not self._site.has(found[1]):
            raise PermanentError(
                f"{request_of(answer)}: the next page is said to be at an address outside of "
                f"{self._site.api_url}, which is not followed: {found[1][:200]}"
            )
        return found[1]

    def _query(self, query: str, variables: Mapping[str, Any]) -> Reply:
        payload = {"query": query, "variables": dict(variables)}
        answer = self._site.post(graphql_path(self._site.api_url), payload, scope=GRAPHQL)
        limits.obey(self._site, answer, GRAPHQL)
        if answer.status in (502, 504):
            raise HeavyError(answer)
        if answer.status != 200:
            raise refusal(answer)
        check_json(answer)
        reply = read_reply(answer)
        if reply.is_rate_limited:
            limits.hold_until_reset(self._site, answer, GRAPHQL)
        return reply


def check_json(answer: Answer) -> None:
    """Raise PermanentError for a page of HTML, UnreadableError for an empty body."""
    if "html" in answer.media_type:
        raise PermanentError(
            f"{request_of(answer)} gave a page of HTML, not JSON: a proxy or a sign-in page "
            "answered; check the base URL, and that the API may be reached without a browser"
        )
    if not answer.body.strip():
        raise unreadable(answer, "the body is empty")


def request_of(answer: Answer) -> str:
    """Return method and address of an answer's request, as messages name it."""
    return f"{answer.method} {answer.url.partition('?')[0]}"


def refusal(answer: Answer) -> Exception:
    """Return the error that a status means: what was asked, what came and what to do."""
    said = limits.message(answer)
    what = f"{request_of(answer)} → {answer.status}" + (f": {said}" if said else "")
    match answer.status:
        case 401:
            return PermanentError(
                f"sign in: {what}: the token is wrong, was revoked or has expired; enter a new one"
            )
        case 403 if "SAML" in said:
            return PermanentError(
                f"{what}: authorise the token for the organisation (Configure SSO beside it)"
            )
        case 403:
            return PermanentError(
                f"{what}: the credential may not do this; a classic token needs the scope repo, a "
                "fine-grained one or an app read access to metadata, contents, pull requests, "
                "issues, deployments and actions of these repositories"
            )
        case 404:
            return PermanentError(
                f"{what}: there is nothing, or the credential may not see it; check the base URL, "
                "the setting repositories and what the token may see"
            )
        case 408 | 409 | 425 | 500 | 502 | 503 | 504 | 202:
            wait = parse_retry_after(answer.headers.get("retry-after"), answer.fetched_at)
            return TransientError(f"{what}: GitHub cannot answer now", wait)
        case 410:
            return PermanentError(f"{what}: this is switched off or was removed")
        case 422:
            return PermanentError(f"{what}: GitHub refuses the request as it stands")
        case 451:
            return PermanentError(f"{what}: not available for legal reasons")
        case status if status >= 500:
            return TransientError(f"{what}: GitHub cannot answer now")
        case _:
            return PermanentError(
                f"{what}: an answer that GitHub does not give; check the base URL"
            )


def _absolute(location: str) -> str:
    """Return where a redirect leads; a path of the site is as good as its address."""
    if location.startswith(("http://", "https://")):
        return location
    raise PermanentError(f"a redirect leads to {location[:200]!r}, which is no address")
