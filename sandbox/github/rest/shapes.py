"""Entities as the REST API gives them: complete, and with addresses of this server.

What a recording or the generator has is kept; what it lacks is filled in, and addresses are
written anew, since host, base path and name of the repository may differ from the recorded ones.
"""

from typing import Any

from sandbox.accounts import Token
from sandbox.github.ids import node_id
from sandbox.github.records import Entity
from sandbox.github.repository import Repository
from sandbox.github.store import GitHubStore

WEB = "https://github.com"
LATEST_VERSION = "2026-03-10"
VERSIONS = ("2022-11-28", LATEST_VERSION)
_ACCOUNT_PATHS = {
    "followers_url": "/followers",
    "following_url": "/following{/other_user}",
    "gists_url": "/gists{/gist_id}",
    "starred_url": "/starred{/owner}{/repo}",
    "subscriptions_url": "/subscriptions",
    "organizations_url": "/orgs",
    "repos_url": "/repos",
    "events_url": "/events{/privacy}",
    "received_events_url": "/received_events",
}
_REPOSITORY_PATHS = {
    "archive_url": "/{archive_format}{/ref}",
    "assignees_url": "/assignees{/user}",
    "blobs_url": "/git/blobs{/sha}",
    "branches_url": "/branches{/branch}",
    "collaborators_url": "/collaborators{/collaborator}",
    "comments_url": "/comments{/number}",
    "commits_url": "/commits{/sha}",
    "compare_url": "/compare/{base}...{head}",
    "contents_url": "/contents/{+path}",
    "contributors_url": "/contributors",
    "deployments_url": "/deployments",
    "downloads_url": "/downloads",
    "events_url": "/events",
    "forks_url": "/forks",
    "git_commits_url": "/git/commits{/sha}",
    "git_refs_url": "/git/refs{/sha}",
    "git_tags_url": "/git/tags{/sha}",
    "hooks_url": "/hooks",
    "issue_comment_url": "/issues/comments{/number}",
    "issue_events_url": "/issues/events{/number}",
    "issues_url": "/issues{/number}",
    "keys_url": "/keys{/key_id}",
    "labels_url": "/labels{/name}",
    "languages_url": "/languages",
    "merges_url": "/merges",
    "milestones_url": "/milestones{/number}",
    "notifications_url": "/notifications{?since,all,participating}",
    "pulls_url": "/pulls{/number}",
    "releases_url": "/releases{/id}",
    "stargazers_url": "/stargazers",
    "statuses_url": "/statuses/{sha}",
    "subscribers_url": "/subscribers",
    "subscription_url": "/subscription",
    "tags_url": "/tags",
    "teams_url": "/teams",
    "trees_url": "/git/trees{/sha}",
}
_REPOSITORY: Entity = {
    "private": True,
    "description": None,
    "fork": False,
    "created_at": None,
    "updated_at": None,
    "pushed_at": None,
    "homepage": None,
    "size": 0,
    "stargazers_count": 0,
    "watchers_count": 0,
    "language": None,
    "has_issues": True,
    "has_projects": True,
    "has_downloads": True,
    "has_wiki": True,
    "has_pages": False,
    "has_discussions": False,
    "forks_count": 0,
    "mirror_url": None,
    "archived": False,
    "disabled": False,
    "open_issues_count": 0,
    "license": None,
    "allow_forking": True,
    "is_template": False,
    "web_commit_signoff_required": False,
    "topics": [],
    "visibility": "private",
    "forks": 0,
    "open_issues": 0,
    "watchers": 0,
    "default_branch": "main",
}
_PERMISSIONS = {"admin": False, "maintain": False, "push": False, "triage": False, "pull": True}


class Shapes:
    """Completes entities for one request. api: base of its addresses, such as `http://h/api/v3`."""

    def __init__(self, store: GitHubStore, token: Token, api: str, version: str) -> None:
        self.store = store
        self.token = token
        self.api = api
        self.version = version
        self._accounts: dict[tuple[Any, ...], Entity] = {}
        self._repositories: dict[int, Entity] = {}

    @property
    def is_latest(self) -> bool:
        """Whether members that the latest version removed are left out."""
        return self.version == LATEST_VERSION

    def account(self, user: Entity | None) -> Entity | None:
        """Return an account as others embed it, None for one that has vanished."""
        if not user:
            return None
        key = (user.get("login"), user.get("id"), user.get("type"), user.get("avatar_url"))
        if key not in self._accounts:
            self._accounts[key] = self._account(user)
        return self._accounts[key]

    def _account(self, user: Entity) -> Entity:
        login = str(user.get("login")).replace("[", "%5B").replace("]", "%5D")
        url = f"{self.api}/users/{login}"
        defaults: Entity = {
            "avatar_url": "",
            "gravatar_id": "",
            "node_id": node_id("U", user.get("id")),
            "html_url": f"{WEB}/{login}",
            "type": "User",
            "user_view_type": "public",
            "site_admin": False,
        }
        addresses = {name: url + path for name, path in _ACCOUNT_PATHS.items()}
        return {**defaults, **user, "url": url, **addresses}

    def repository(self, repository: Repository) -> Entity:
        """Return a repository as listings have it."""
        known = self._repositories.get(repository.id)
        if known is None:
            known = self._complete(repository.entity)
            if self.is_latest:
                known.pop("has_downloads", None)
            self._repositories[repository.id] = known
        return known

    def repository_detail(self, repository: Repository) -> Entity:
        """Return a repository as asking for it alone gives it."""
        detail = {
            "permissions": _PERMISSIONS,
            "subscribers_count": 0,
            "network_count": 0,
            "temp_clone_token": None,
        }
        moments = {
            name: repository.entity.get(name) or repository.entity.get("created_at")
            for name in ("created_at", "updated_at", "pushed_at")
        }
        return {**self.repository(repository), **detail, **moments}

    def embedded_repository(self, entity: Entity | None) -> Entity | None:
        """Return a repository that a pull request names: the listed one where it is visible."""
        if not entity:
            return None
        listed = self.store.numbered(entity.get("id") or 0, self.token)
        return self.repository(listed) if listed else self._complete(entity)

    def _complete(self, entity: Entity) -> Entity:
        full_name = str(entity["full_name"])
        login, _, name = full_name.partition("/")
        url, web = self.url(full_name), f"{WEB}/{full_name}"
        owner = entity.get("owner") or {"login": login, "id": 1, "type": "Organization"}
        kept = {key: value for key, value in entity.items() if not key.endswith("_url")}
        complete = {
            **_REPOSITORY,
            **kept,
            "node_id": node_id("R", entity["id"]),
            "name": name,
            "full_name": full_name,
            "owner": self.account(owner),
            "html_url": web,
            "url": url,
            "git_url": f"git://github.com/{full_name}.git",
            "ssh_url": f"git@github.com:{full_name}.git",
            "clone_url": f"{web}.git",
            "svn_url": web,
            "mirror_url": None,
        }
        complete.update((name, url + path) for name, path in _REPOSITORY_PATHS.items())
        return complete

    def url(self, full_name: str) -> str:
        """Return the address of a repository."""
        return f"{self.api}/repos/{full_name}"

    def person(self) -> Entity:
        """Return who is signed in, as `/user` has it."""
        user = self.account(self.store.person(self.token.account)) or {}
        moment = "2020-01-01T00:00:00Z"
        unsaid = dict.fromkeys(("company", "blog", "location", "hireable", "bio", "email"))
        counts = ("public_repos", "public_gists", "followers", "following", "private_gists")
        more = ("total_private_repos", "owned_private_repos", "disk_usage", "collaborators")
        return {
            **user,
            **unsaid,
            **dict.fromkeys((*counts, *more), 0),
            "name": self.token.account.display_name,
            "two_factor_authentication": True,
            "created_at": moment,
            "updated_at": moment,
        }

    def organization(self, owner: Entity, repositories: int) -> Entity:
        """Return an organisation as `/orgs/{org}` has it."""
        login, moment = owner["login"], "2020-01-01T00:00:00Z"
        url = f"{self.api}/orgs/{login}"
        paths = ("repos", "events", "hooks", "issues")
        return {
            "login": login,
            "id": owner["id"],
            "node_id": node_id("O", owner["id"]),
            "url": url,
            **{f"{path}_url": f"{url}/{path}" for path in paths},
            "members_url": f"{url}/members{{/member}}",
            "public_members_url": f"{url}/public_members{{/member}}",
            "avatar_url": owner.get("avatar_url") or "",
            "description": None,
            "name": login,
            "has_organization_projects": True,
            "has_repository_projects": True,
            "public_repos": 0,
            "public_gists": 0,
            "followers": 0,
            "following": 0,
            "html_url": f"{WEB}/{login}",
            "total_private_repos": repositories,
            "owned_private_repos": repositories,
            "type": "Organization",
            "created_at": moment,
            "updated_at": moment,
            "archived_at": None,
        }
