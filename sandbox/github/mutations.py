"""Changes that people make on GitHub, by name.

All know the argument `repository` (its name or id; the first if absent). What is not there raises
MutationError. Each change takes one second of the organisation's time.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sandbox.accounts import RESTRICTED
from sandbox.github.changes import Arguments, Done, Mutation, person_of, repository_of
from sandbox.github.deployments import state_of
from sandbox.github.pull_mutations import PULL_MUTATIONS
from sandbox.github.records import Entity
from sandbox.github.repository import OF_REPOSITORY, Repository
from sandbox.github.store import GitHubStore
from sandbox.mutations import MutationError

if TYPE_CHECKING:
    from sandbox.organisation import Organisation


def _rename(organisation: "Organisation", arguments: Arguments) -> Done:
    """Give a repository the name `name`, or move it to the owner `owner`; it keeps its id."""
    store = organisation.github
    repository = repository_of(store, arguments)
    organisation.clock.tick()
    before = repository.full_name
    owner, _, name = before.partition("/")
    is_moved = "owner" in arguments
    owner = arguments.get("owner", owner)
    name = arguments.get("name", name if is_moved else f"{name}-renamed")
    if any(each.full_name.lower() == f"{owner}/{name}".lower() for each in _others(store, before)):
        raise MutationError(f"there is a repository {owner}/{name} already")
    repository.former_names.append(before)
    repository.entity |= {
        "full_name": f"{owner}/{name}",
        "name": name,
        "updated_at": store.now,
    }
    if is_moved:
        known = store.owner(owner) or {"login": owner, "type": "Organization"}
        number = 8_100_000 + sum(map(ord, owner))
        repository.entity["owner"] = {"id": number, **known}
    return {"repository": repository.full_name, "before": before}


def _others(store: GitHubStore, name: str) -> Iterator[Repository]:
    return (e for e in store.repositories.values() if e.full_name != name and not e.is_gone)


def _delete(organisation: "Organisation", arguments: Arguments) -> Done:
    """Delete a repository with all that is in it."""
    store = organisation.github
    repository = repository_of(store, arguments)
    organisation.clock.tick()
    repository.is_gone = True
    noted = {
        "source_id": str(repository.id),
        "full_name": repository.full_name,
        "reason": "deleted",
    }
    store.gone.append(noted)
    return {"repository": repository.full_name}


def _set_visible(*, visible: bool) -> Mutation:
    def mutate(organisation: "Organisation", arguments: Arguments) -> Done:
        repository = repository_of(organisation.github, arguments)
        account = arguments.get("account", RESTRICTED)
        if account not in organisation.accounts.accounts:
            raise MutationError(f"there is no account {account!r}")
        organisation.clock.tick()
        accounts = organisation.accounts
        change = accounts.show if visible else accounts.hide
        change(account, "repository", str(repository.id))
        return {"repository": repository.full_name, "account": account}

    return mutate


def _set_flags(organisation: "Organisation", arguments: Arguments) -> Done:
    """Set `archived`, `empty`, `blocked` or `issues_disabled` of a repository."""
    repository = repository_of(organisation.github, arguments)
    organisation.clock.tick()
    if "archived" in arguments:
        repository.entity["archived"] = bool(arguments["archived"])
        repository.entity["updated_at"] = organisation.github.now
    for name, attribute in (
        ("empty", "is_empty"),
        ("blocked", "is_blocked"),
        ("issues_disabled", "issues_disabled"),
    ):
        if name in arguments:
            setattr(repository, attribute, bool(arguments[name]))
    return {"repository": repository.full_name}


def _part(
    organisation: "Organisation", arguments: Arguments, kind: str
) -> tuple[Repository, int, Entity]:
    """Return the newest deployment or run, or that of the id `id`, to be changed."""
    repository = repository_of(organisation.github, arguments)
    index = repository.parts("deployments" if kind == "deployments" else "runs")
    newest = index.ordered("created")[-1:]
    part = index.find(int(arguments["id"])) if "id" in arguments else next(iter(newest), None)
    if part is None:
        raise MutationError(f"there is none of that id among the {kind} of {repository.full_name}")
    organisation.clock.tick()
    record = repository.change(part.pull)
    entity: Entity = getattr(record, kind)[part.place]
    return repository, part.pull, entity


def _rerun(organisation: "Organisation", arguments: Arguments) -> Done:
    """Run a workflow run again: it keeps its id and when it was created."""
    repository, position, run = _part(organisation, arguments, "runs")
    run |= {
        "run_attempt": int(run.get("run_attempt") or 1) + 1,
        "conclusion": arguments.get("conclusion", "success"),
        "run_started_at": organisation.github.now,
        "updated_at": organisation.github.now,
    }
    repository.changed(position)
    return {"repository": repository.full_name, "id": run["id"], "attempt": run["run_attempt"]}


def _deployment_status(organisation: "Organisation", arguments: Arguments) -> Done:
    """Give a deployment a new status `state`."""
    repository, position, deployment = _part(organisation, arguments, "deployments")
    store = organisation.github
    deployment.setdefault("first_state", deployment.get("state"))
    deployment.setdefault("first_updated_at", deployment["updated_at"])
    status = {
        "id": store.new_id(),
        "state": arguments.get("state", "failure"),
        "creator": deployment.get("creator"),
        "description": "",
        "environment": deployment.get("environment"),
        "created_at": store.now,
        "updated_at": store.now,
    }
    repository.statuses.setdefault(deployment["id"], []).append(status)
    deployment["updated_at"] = store.now
    repository.changed(position)
    state = state_of(repository, deployment)
    return {"repository": repository.full_name, "id": deployment["id"], "state": state}


def _deploy(organisation: "Organisation", arguments: Arguments) -> Done:
    """Deploy the commit `sha`, or the newest that was merged."""
    store = organisation.github
    repository = repository_of(store, arguments)
    organisation.clock.tick()
    newest = repository.record(repository.pulls.ordered("updated")[-1]).pull
    sha = arguments.get("sha") or newest.get("merge_commit_sha") or newest["head"]["sha"]
    deployment = {
        "id": store.new_id(),
        "sha": sha,
        "ref": "main",
        "task": "deploy",
        "payload": {},
        "environment": arguments.get("environment", "production"),
        "description": None,
        "creator": person_of(arguments),
        "created_at": store.now,
        "updated_at": store.now,
        "state": arguments.get("state", "success"),
    }
    repository.change(OF_REPOSITORY).deployments.append(deployment)
    repository.changed(OF_REPOSITORY)
    return {"repository": repository.full_name, "id": deployment["id"]}


MUTATIONS: dict[str, Mutation] = {
    **PULL_MUTATIONS,
    "rename": _rename,
    "delete": _delete,
    "hide": _set_visible(visible=False),
    "show": _set_visible(visible=True),
    "set": _set_flags,
    "rerun": _rerun,
    "deployment_status": _deployment_status,
    "deploy": _deploy,
}
