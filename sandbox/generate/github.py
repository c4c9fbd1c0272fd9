"""The entities of the organisation's GitHub, as its REST API gives them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.generate import moments
from sandbox.generate.draws import Draws
from sandbox.generate.people import People, Person, github_account
from sandbox.generate.pulls import PullPlan, PullPlans, Repository

Entity = dict[str, Any]

_API = "https://api.github.com"
_WEB = "https://github.com"
_LABELS = ("bug", "enhancement", "dependencies")
_PRAISE = ("Looks good.", "Could this be shorter?", "Please add a test 🙏", "Why not reuse it?")
_NO_REACTIONS = dict.fromkeys(
    ("total_count", "+1", "-1", "laugh", "hooray", "confused", "heart", "rocket", "eyes"), 0
)


@dataclass(frozen=True)
class PullSet:
    """A pull request with all that belongs to it, as the API's separate lists have it."""

    number: int
    pull: Entity
    commits: list[Entity]
    reviews: list[Entity]
    review_comments: list[Entity]
    issue_comments: list[Entity]
    deployments: list[Entity]


class GitHub:
    """An organisation's repositories and pull requests, each computed from its number."""

    def __init__(self, seed: int, plans: PullPlans, people: People, lean: bool) -> None:
        self._seed = seed
        self._plans = plans
        self._people = people
        self._lean = lean

    @property
    def plans(self) -> PullPlans:
        """What the pull requests are computed from."""
        return self._plans

    def repositories(self) -> Iterator[Entity]:
        """Yield the repositories."""
        return (self._repository(each) for each in self._plans.repositories)

    def pulls(self) -> Iterator[PullSet]:
        """Yield all pull requests with what belongs to them, oldest first."""
        return (self.pull_set(index) for index in range(self._plans.count))

    def pull_set(self, index: int) -> PullSet:
        """Return the pull request of this number with what belongs to it."""
        plan = self._plans.plan(index)
        draws = Draws(self._seed, "pull set", index)
        commits = [self._commit(plan, position, draws) for position in range(len(plan.messages))]
        reviews = self._reviews(plan, draws)
        return PullSet(
            number=plan.number,
            pull=self._pull(plan, draws),
            commits=commits,
            reviews=reviews,
            review_comments=self._review_comments(plan, reviews, draws),
            issue_comments=self._issue_comments(plan, draws),
            deployments=self._deployments(plan, draws),
        )

    def _user(self, person: Person) -> Entity | None:
        user = self._people.github_user(person)
        if user is None or not self._lean:
            return user
        return {key: user[key] for key in ("login", "id", "type")}

    def _repository(self, repository: Repository, owner: Entity | None = None) -> Entity:
        full = f"{owner['login']}/{repository.name}" if owner else repository.full_name
        entity: Entity = {
            "id": repository.id + (500_000 if owner else 0),
            "node_id": f"R_{repository.id}",
            "name": repository.name,
            "full_name": full,
            "private": True,
            "owner": owner or github_account(repository.owner, 8_000_000, "Organization"),
            "html_url": f"{_WEB}/{full}",
            "description": None,
            "fork": owner is not None,
            "url": f"{_API}/repos/{full}",
            "created_at": moments.github(repository.created),
            "updated_at": moments.github(repository.created + 30 * moments.DAY),
            "pushed_at": moments.github(repository.created + 60 * moments.DAY),
            "default_branch": "main",
            "archived": False,
            "disabled": False,
            "visibility": "private",
        }
        if not self._lean:
            for name in ("pulls", "issues", "commits", "releases", "statuses", "contents"):
                entity[f"{name}_url"] = f"{_API}/repos/{full}/{name}{{/number}}"
            entity |= {"topics": [], "license": None, "forks": 0, "open_issues": 0, "watchers": 0}
        return entity

    def _short_repository(self, repository: Repository, owner: Entity | None) -> Entity:
        entity = self._repository(repository, owner)
        if not self._lean:
            return entity
        return {key: entity[key] for key in ("id", "name", "full_name", "private", "fork")}

    def _pull(self, plan: PullPlan, draws: Draws) -> Entity:
        full = plan.repository.full_name
        api, web = f"{_API}/repos/{full}", f"{_WEB}/{full}/pull/{plan.number}"
        closed = None if plan.closed is None else moments.github(plan.closed)
        label = draws.pick(_LABELS)
        entity: Entity = {
            "url": f"{api}/pulls/{plan.number}",
            "id": 500_000_000 + plan.index,
            "node_id": f"PR_{plan.index}",
            "html_url": web,
            "issue_url": f"{api}/issues/{plan.number}",
            "number": plan.number,
            "state": "open" if closed is None else "closed",
            "locked": False,
            "title": plan.title,
            "user": None if plan.is_ghost else self._user(plan.author),
            "body": plan.body,
            "created_at": moments.github(plan.opened),
            "updated_at": moments.github(plan.updated),
            "closed_at": closed,
            "merged_at": closed if plan.merged else None,
            "merge_commit_sha": plan.sha("merge"),
            "assignees": [],
            "requested_reviewers": [],
            "requested_teams": [],
            "labels": [{"id": len(label), "name": label}] if draws.chance(0.4) else [],
            "milestone": None,
            "draft": plan.is_draft,
            "head": self._head(plan),
            "base": self._base(plan),
            "author_association": "CONTRIBUTOR",
            "auto_merge": None,
            "active_lock_reason": None,
        }
        if not self._lean:
            entity |= self._decoration(plan, api, web)
        return entity

    @staticmethod
    def _decoration(plan: PullPlan, api: str, web: str) -> Entity:
        links = {
            "self": f"{api}/pulls/{plan.number}",
            "html": web,
            "issue": f"{api}/issues/{plan.number}",
            "comments": f"{api}/issues/{plan.number}/comments",
            "review_comments": f"{api}/pulls/{plan.number}/comments",
            "commits": f"{api}/pulls/{plan.number}/commits",
        }
        return {
            "assignee": None,
            "diff_url": f"{web}.diff",
            "patch_url": f"{web}.patch",
            "commits_url": links["commits"],
            "comments_url": links["comments"],
            "review_comments_url": links["review_comments"],
            "_links": {name: {"href": url} for name, url in links.items()},
        }

    def _head(self, plan: PullPlan) -> Entity:
        owner = self._user(plan.author) if plan.from_fork else None
        login = owner["login"] if owner else plan.repository.owner
        return {
            "label": f"{login}:{plan.branch}",
            "ref": plan.branch,
            "sha": plan.sha("commit", len(plan.messages) - 1),
            "user": None if plan.head_gone else owner,
            "repo": None if plan.head_gone else self._short_repository(plan.repository, owner),
        }

    def _base(self, plan: PullPlan) -> Entity:
        return {
            "label": f"{plan.repository.owner}:main",
            "ref": "main",
            "sha": plan.sha("base"),
            "user": None,
            "repo": self._short_repository(plan.repository, None),
        }

    def _commit(self, plan: PullPlan, position: int, draws: Draws) -> Entity:
        """Return a commit; some people have no account, and then the API names none."""
        sha = plan.sha("commit", position)
        api = f"{_API}/repos/{plan.repository.full_name}"
        step = (plan.opened - plan.first_commit) // max(1, len(plan.messages))
        at = plan.first_commit + position * step
        person = self._people.anyone(draws) if draws.chance(0.2) else plan.author
        # A rebase commits later than it was authored, and all at the same moment.
        committed = plan.opened if draws.chance(0.2) else at
        parents = [plan.sha("commit", position - 1) if position else plan.sha("base")]
        if position and draws.chance(0.06):
            parents.append(plan.sha("other base"))
        user = self._user(person)
        name = {"name": person.name, "email": person.email}
        return {
            "sha": sha,
            "node_id": f"C_{sha[:12]}",
            "commit": {
                "author": name | {"date": moments.github(at)},
                "committer": name | {"date": moments.github(committed)},
                "message": plan.messages[position],
                "tree": {"sha": plan.sha("tree", position), "url": f"{api}/git/trees/{sha}"},
                "url": f"{api}/git/commits/{sha}",
                "comment_count": 0,
            },
            "url": f"{api}/commits/{sha}",
            "html_url": f"{_WEB}/{plan.repository.full_name}/commit/{sha}",
            "comments_url": f"{api}/commits/{sha}/comments",
            "author": user,
            "committer": user,
            "parents": [{"sha": parent, "url": f"{api}/commits/{parent}"} for parent in parents],
        }

    def _reviews(self, plan: PullPlan, draws: Draws) -> list[Entity]:
        if plan.is_draft:
            return []
        end = plan.closed or plan.updated
        reviews = []
        for number in range(int(draws.skewed(0, 4) + 0.6)):
            state = draws.pick(("APPROVED", "COMMENTED", "CHANGES_REQUESTED", "APPROVED"))
            state = draws.pick(("DISMISSED", "PENDING")) if draws.chance(0.04) else state
            review_id = 600_000_000 + plan.index * 10 + number
            review: Entity = {
                "id": review_id,
                "node_id": f"PRR_{review_id}",
                "user": None if draws.chance(0.04) else self._user(self._people.anyone(draws)),
                "body": draws.pick(_PRAISE) if draws.chance(0.5) else "",
                "state": state,
                "html_url": f"{self._web(plan)}#pullrequestreview-{review_id}",
                "pull_request_url": self._pull_url(plan),
                "author_association": "MEMBER",
                "commit_id": plan.sha("commit", len(plan.messages) - 1),
            }
            if state != "PENDING":
                review["submitted_at"] = moments.github(self._between(plan.opened, end, draws))
            reviews.append(review)
        return reviews

    def _review_comments(self, plan: PullPlan, reviews: list[Entity], draws: Draws) -> list[Entity]:
        comments = []
        for number, review in enumerate(reviews):
            if "submitted_at" not in review or not draws.chance(0.5):
                continue
            comment_id = 700_000_000 + plan.index * 10 + number
            comments.append(
                {
                    "url": f"{self._repo_url(plan)}/pulls/comments/{comment_id}",
                    "pull_request_review_id": review["id"],
                    "id": comment_id,
                    "node_id": f"PRRC_{comment_id}",
                    "diff_hunk": "@@ -1,3 +1,4 @@\n line\n+added",
                    "path": f"src/part_{draws.below(20)}.py",
                    "commit_id": review["commit_id"],
                    "user": review["user"],
                    "body": draws.pick(_PRAISE),
                    "created_at": review["submitted_at"],
                    "updated_at": review["submitted_at"],
                    "html_url": f"{self._web(plan)}#discussion_r{comment_id}",
                    "pull_request_url": self._pull_url(plan),
                    "author_association": "MEMBER",
                    "start_line": None,
                    "line": 1 + draws.below(300) if draws.chance(0.8) else None,
                    "side": "RIGHT",
                }
            )
        return comments

    def _issue_comments(self, plan: PullPlan, draws: Draws) -> list[Entity]:
        comments = []
        for number in range(int(draws.skewed(0, 4) + 0.5)):
            comment_id = 800_000_000 + plan.index * 10 + number
            robot = draws.chance(0.3)
            person = self._people.person(0) if robot else self._people.anyone(draws)
            at = moments.github(self._between(plan.opened, plan.updated, draws))
            comments.append(
                {
                    "url": f"{self._repo_url(plan)}/issues/comments/{comment_id}",
                    "html_url": f"{self._web(plan)}#issuecomment-{comment_id}",
                    "issue_url": f"{self._repo_url(plan)}/issues/{plan.number}",
                    "id": comment_id,
                    "node_id": f"IC_{comment_id}",
                    "user": self._user(person),
                    "created_at": at,
                    "updated_at": at,
                    "author_association": "NONE",
                    "body": "| coverage | 91 % |" if robot else draws.pick(_PRAISE),
                    "performed_via_github_app": None,
                }
                | ({} if self._lean else {"reactions": _NO_REACTIONS})
            )
        return comments

    def _deployments(self, plan: PullPlan, draws: Draws) -> list[Entity]:
        """Return what was deployed of a merge, joined with the state of its newest status."""
        if not plan.merged or plan.closed is None or not draws.chance(0.5):
            return []
        at = min(plan.closed + int(draws.skewed(0.01, 4) * moments.DAY), plan.updated)
        number = 900_000_000 + plan.index
        entity: Entity = {
            "url": f"{self._repo_url(plan)}/deployments/{number}",
            "id": number,
            "node_id": f"DE_{number}",
            "sha": plan.sha("merge"),
            "ref": "main",
            "task": "deploy",
            "payload": {},
            "environment": "production" if draws.chance(0.7) else "staging",
            "original_environment": "production",
            "description": None,
            "creator": self._user(self._people.person(0)),
            "created_at": moments.github(at),
            "updated_at": moments.github(at + 10 * 60_000),
            "repository_url": self._repo_url(plan),
            "statuses_url": f"{self._repo_url(plan)}/deployments/{number}/statuses",
            "state": draws.pick(("success", "success", "success", "failure")),
        }
        return [entity]

    @staticmethod
    def _between(first: int, last: int, draws: Draws) -> int:
        return first + int(max(0, last - first) * draws.unit())

    @staticmethod
    def _repo_url(plan: PullPlan) -> str:
        return f"{_API}/repos/{plan.repository.full_name}"

    @staticmethod
    def _web(plan: PullPlan) -> str:
        return f"{_WEB}/{plan.repository.full_name}/pull/{plan.number}"

    def _pull_url(self, plan: PullPlan) -> str:
        return f"{self._repo_url(plan)}/pulls/{plan.number}"
