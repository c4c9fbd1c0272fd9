"""How one signs in to Jira here, and what `connect` needs to see everything."""

from typing import TYPE_CHECKING
from uuid import UUID

from sandbox.accounts import FULL, RESTRICTED, Token
from sandbox.generate.site import EPIC_LINK_FIELD

if TYPE_CHECKING:
    from sandbox.jira.store import JiraStore
    from sandbox.organisation import Organisation

WORK, USER = "read:jira-work", "read:jira-user"
BOARD, SPRINT = "read:board-scope:jira-software", "read:sprint:jira-software"
ALL_SCOPES = (WORK, USER, BOARD, SPRINT)


def cloud_id(organisation: "Organisation") -> str:
    """Return the site's id, by which the gateway names it."""
    return str(UUID(organisation.accounts.secret("cloud id")[:32]))


def issue_tokens(organisation: "Organisation") -> None:
    """Make the tokens there are at the start; the first one of `full` is the usual one."""
    accounts = organisation.accounts
    if not organisation.options.is_cloud:
        for account in (FULL, RESTRICTED):
            accounts.issue("jira", "personal", account)
        accounts.issue("jira", "personal_expired", FULL, lifetime=-60)
        return
    scoped = {"cloud_id": cloud_id(organisation), "gateway_url": "{base}/jira"}
    for account in (FULL, RESTRICTED):
        accounts.issue("jira", "api", account, prefix="ATATT3x")
        accounts.issue("jira", "scoped", account, prefix="ATATT3x", scopes=ALL_SCOPES, extra=scoped)
    accounts.issue("jira", "api_expired", FULL, prefix="ATATT3x", lifetime=-60)
    accounts.issue("jira", "scoped_narrow", FULL, prefix="ATATT3x", scopes=(USER,), extra=scoped)
    client = {
        "client_id": accounts.secret("client")[:32],
        "client_secret": "ATOA" + accounts.secret("client secret")[:60],
        "token_url": "{base}/jira/oauth/token",
    }
    for account in (FULL, RESTRICTED):
        grant(organisation, account, {**scoped, **client})


def grant(organisation: "Organisation", account: str, extra: dict[str, str]) -> Token:
    """Issue an OAuth access token with a refresh token that can be used once."""
    accounts = organisation.accounts
    refresh = accounts.issue("jira", "refresh", account, extra=extra, owner=extra["client_id"])
    return accounts.issue(
        "jira",
        "oauth",
        account,
        scopes=ALL_SCOPES,
        lifetime=organisation.options.access_token_seconds,
        owner=extra["client_id"],
        extra={**extra, "refresh_token": refresh.value},
    )


def jira_settings(store: "JiraStore") -> dict[str, str]:
    """Return the settings with which a connector sees and understands everything."""
    settings: dict[str, str] = {}
    if store.source.estimate_field is not None:
        settings["story_points_field"] = store.source.estimate_field
    if not store.organisation.options.is_cloud:
        settings |= {"flavour": "datacenter", "epic_link_field": EPIC_LINK_FIELD}
    return settings
