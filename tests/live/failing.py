"""What can be wrong with a connection, and what is to be said of it."""

import socket
import sys
from collections.abc import Callable
from typing import Any, NamedTuple

from django.core.management import CommandError, call_command

from tests.live.served import Served


class Failure(NamedTuple):
    """What goes wrong, and what is said of it: by the test its step, by both the rest.

    options: of connect. fault: kind, match and value. run_request: of a run, if it is another.
    """

    provider: str
    step: str
    request: str
    says: str
    remedy: str
    options: Callable[[Served], dict[str, str]] = lambda source: {}
    fault: tuple[str, str, Any] | None = None
    run_request: str = ""


def token(provider: str, kind: str) -> Callable[[Served], dict[str, str]]:
    """Return the options of a token of a kind."""
    return lambda source: {"token": source.accounts(provider, kind, "full")[0]["token"]}


def at(address: str) -> Callable[[Served], dict[str, str]]:
    """Return the options of an address; {port}: of the sandbox, {closed}: of nobody."""

    def options(source: Served) -> dict[str, str]:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            closed = free.getsockname()[1]
        port = source.base.rpartition(":")[2]
        return {"base-url": address.format(port=port, closed=closed)}

    return options


def narrow(source: Served) -> dict[str, str]:
    """Return the options of a token that lacks a scope."""
    given = source.accounts("jira", "scoped_narrow", "full")[0]
    setting = f"gateway_url={given['gateway_url']}"
    return {"token": given["token"], "auth": "scoped", "setting": setting}


FAILURES = {
    "jira: unknown project": Failure(
        "jira",
        "see projects",
        "GET /jira/rest/api/3/project/NOPE",
        "404: .*no project",
        "correct .*setting `projects`",
        lambda source: {"setting": "projects=NOPE"},
    ),
    "jira: wrong token": Failure(
        "jira",
        "sign in",
        "GET /jira/rest/api/3/myself",
        "401: Client must be authenticated",
        "check user and token: .*connect again",
        lambda source: {"token": "a-wrong-token"},
        run_request="GET /jira/rest/api/3/(project/search|issuetype|status)",
    ),
    "jira: expired token": Failure(
        "jira",
        "sign in",
        "GET /jira/rest/api/3/myself",
        "401: Client must be authenticated",
        "expired .*connect again with a new one",
        token("jira", "api_expired"),
        run_request="GET /jira/rest/api/3/(project/search|issuetype|status)",
    ),
    "jira: missing scope": Failure(
        "jira",
        "see projects",
        "GET /jira/ex/jira/[^/]*/rest/api/3/project/search",
        "401: Unauthorized; scope does not match",
        "or the token the scope, that this request needs .*read:jira-work",
        narrow,
        run_request="GET /jira/ex/jira/[^/]*/rest/api/3/",
    ),
    "jira: search withdrawn": Failure(
        "jira",
        "search issues",
        "POST /jira/rest/api/3/search/jql",
        "answered 410",
        "withdrew this address: a newer version",
        fault=("status", "search/jql", 410),
    ),
    "jira: another Jira": Failure(
        "jira",
        "reach the site",
        "GET /jira/rest/api/2/serverInfo",
        "Jira Cloud|410: The requested API has been removed",
        "set `flavour` to cloud|the setting `flavour`",
        lambda source: {"setting": "flavour=datacenter"},
        run_request="POST /jira/rest/api/2/search",
    ),
    "github: unknown owner": Failure(
        "github",
        "find repositories of nobody",
        "GET /users/nobody/repos",
        "404: GitHub knows no owner nobody",
        "correct the setting repositories",
        lambda source: {"setting": "repositories=nobody/*"},
    ),
    "github: unknown repository": Failure(
        "github",
        "find repositories of acme/nope",
        "GET /repos/acme/nope",
        "404: GitHub knows no repository acme/nope",
        "correct the setting repositories",
        lambda source: {"setting": "repositories=acme/nope"},
    ),
    "github: pattern of nothing": Failure(
        "github",
        "find repositories of acme",
        "GET .*/orgs/acme/repos",
        "ask(s|ed) for",
        "correct the setting",
        lambda source: {"setting": "repositories=acme/zz*"},
    ),
    "github: wrong token": Failure(
        "github",
        "sign in",
        "GET .*/user",
        "401: Bad credentials",
        "enter a new one",
        lambda source: {"token": "a-wrong-token"},
    ),
    "github: expired token": Failure(
        "github",
        "sign in",
        "GET .*/user",
        "401: Bad credentials.* has expired",
        "enter a new one",
        token("github", "expired"),
    ),
    "github: missing scope": Failure(
        "github",
        "scopes",
        "GET .*/user",
        "the token (has no|lacks the) scope",
        "give the token the scope repo|make one that has it",
        token("github", "unscoped"),
    ),
    "github: missing permission": Failure(
        "github",
        "read deployments of acme/storefront",
        "POST .*graphql",
        "Resource not accessible by personal access token",
        "read access to (pull requests and )?deployments",
        token("github", "few_permissions"),
    ),
    "github: issues are off": Failure(
        "github",
        "read pull requests of acme/storefront",
        "POST .*graphql",
        "410",
        "switched off or was removed|read access to pull requests",
        fault=("status", "/graphql", 410),
    ),
}
PLAIN = {provider: Failure(provider, "", "", "", "") for provider in ("jira", "github")}
"""Nothing is wrong."""

EVERYWHERE = {
    "closed port": ("http://127.0.0.1:{closed}", "refused", "check the base URL and port"),
    "unknown host": ("https://no-such-host.invalid", "not known", "check the base URL"),
    "TLS on a plain port": ("https://127.0.0.1:{port}", "no secure connection", "check the base"),
}
REACH = {"jira": "reach the site", "github": "reach GitHub"}
for _provider, _step in REACH.items():
    for _name, (_address, _says, _remedy) in EVERYWHERE.items():
        FAILURES[f"{_provider}: {_name}"] = Failure(
            _provider,
            _step,
            "GET (https?://[^ ]*)?(/|serverInfo)",
            _says,
            _remedy,
            at(f"{_address}/{_provider}"),
        )
    FAILURES[f"{_provider}: page to sign in"] = Failure(
        _provider,
        _step,
        "GET .*(serverInfo|/rate_limit)",
        "web page|page of HTML",
        "login page|without a browser",
        fault=("html", f"/{_provider}/", None),
        run_request=f"GET .*/{_provider}/",
    )


def connecting(source: Served, failure: Failure, name: str) -> list[str]:
    """Return the arguments of `connect`, and let fail what is to fail."""
    if failure.fault is not None:
        kind, match, value = failure.fault
        source.fault(kind, match, times=None, value=value)
    ready = source.ready[failure.provider]
    options = {"base-url": ready["base_url"], "token": ready["token"]}
    if failure.provider == "jira":
        options["user"] = ready["user"]
    options |= failure.options(source)
    arguments = ["--tenant", "acme", "--create", "--provider", failure.provider, "--name", name]
    return arguments + [part for key, value in options.items() for part in (f"--{key}", value)]


def exit_code(*command: str) -> int:
    """Run a command; return its exit code. A refusal is printed as `manage.py` does."""
    try:
        call_command(*command)
    except SystemExit as stopped:
        return int(stopped.code or 0)
    except CommandError as error:
        sys.stdout.write(f"CommandError: {error}\n")
        return error.returncode
    return 0
