"""Deployments with their statuses and workflow runs, as the REST API gives them."""

from sandbox.github.ids import node_id
from sandbox.github.records import Entity, PullRecord
from sandbox.github.repository import Repository
from sandbox.github.rest.shapes import WEB, Shapes
from sandbox.github.runs import WORKFLOW_NAME, WORKFLOW_PATH, workflow_id

_RUN_PATHS = {
    "jobs_url": "/jobs",
    "logs_url": "/logs",
    "artifacts_url": "/artifacts",
    "cancel_url": "/cancel",
    "rerun_url": "/rerun",
}


def deployment(shapes: Shapes, repository: Repository, entity: Entity) -> Entity:
    """Return a deployment; its state is that of its newest status, asked for apart."""
    base = shapes.url(repository.full_name)
    url = f"{base}/deployments/{entity['id']}"
    kept = {
        key: value
        for key, value in entity.items()
        if key not in ("state", "first_state", "first_updated_at")
    }
    return {
        "task": "deploy",
        "payload": {},
        "description": None,
        "transient_environment": False,
        "production_environment": entity.get("environment") == "production",
        "performed_via_github_app": None,
        "original_environment": entity.get("environment"),
        **kept,
        "url": url,
        "node_id": node_id("DE", repository.id, 0, entity["id"]),
        "creator": shapes.account(entity.get("creator")),
        "statuses_url": f"{url}/statuses",
        "repository_url": base,
    }


def deployment_status(shapes: Shapes, repository: Repository, of: Entity, entity: Entity) -> Entity:
    """Return a status of a deployment."""
    base = shapes.url(repository.full_name)
    url = f"{base}/deployments/{of['id']}"
    return {
        **entity,
        "url": f"{url}/statuses/{entity['id']}",
        "node_id": node_id("DES", repository.id, entity["id"]),
        "creator": shapes.account(entity.get("creator")),
        "target_url": "",
        "log_url": "",
        "environment_url": "",
        "deployment_url": url,
        "repository_url": base,
        "performed_via_github_app": None,
    }


def workflow(shapes: Shapes, repository: Repository) -> Entity:
    """Return the workflow of a repository."""
    number = workflow_id(repository.id)
    base, web = shapes.url(repository.full_name), f"{WEB}/{repository.full_name}"
    moment = repository.entity.get("created_at")
    return {
        "id": number,
        "node_id": node_id("W", number),
        "name": WORKFLOW_NAME,
        "path": WORKFLOW_PATH,
        "state": "active",
        "created_at": moment,
        "updated_at": moment,
        "url": f"{base}/actions/workflows/{number}",
        "html_url": f"{web}/blob/main/{WORKFLOW_PATH}",
        "badge_url": f"{web}/workflows/{WORKFLOW_NAME}/badge.svg",
    }


def workflow_run(
    shapes: Shapes, repository: Repository, record: PullRecord, entity: Entity
) -> Entity:
    """Return a workflow run."""
    base = shapes.url(repository.full_name)
    url = f"{base}/actions/runs/{entity['id']}"
    suite = entity["id"] + 1
    number = entity["workflow_id"]
    repo = shapes.repository(repository)
    return {
        "pull_requests": _minimal_pulls(shapes, repository, record),
        "referenced_workflows": [],
        "head_commit": _head_commit(record, entity),
        **entity,
        "url": url,
        "node_id": node_id("WFR", entity["id"]),
        "check_suite_id": suite,
        "check_suite_node_id": node_id("CS", suite),
        "html_url": f"{WEB}/{repository.full_name}/actions/runs/{entity['id']}",
        "actor": shapes.account(entity.get("actor")),
        "triggering_actor": shapes.account(entity.get("triggering_actor")),
        **{name: url + path for name, path in _RUN_PATHS.items()},
        "check_suite_url": f"{base}/check-suites/{suite}",
        "previous_attempt_url": _previous(url, entity),
        "workflow_url": f"{base}/actions/workflows/{number}",
        "repository": repo,
        "head_repository": repo,
    }


def _previous(url: str, entity: Entity) -> str | None:
    attempt = entity.get("run_attempt") or 1
    return f"{url}/attempts/{attempt - 1}" if attempt > 1 else None


def _minimal_pulls(shapes: Shapes, repository: Repository, record: PullRecord) -> list[Entity]:
    if not record.pull:
        return []
    base = shapes.url(repository.full_name)
    name = repository.full_name.partition("/")[2]
    repo = {"id": repository.id, "url": base, "name": name}
    return [
        {
            "id": record.id,
            "number": record.number,
            "url": f"{base}/pulls/{record.number}",
            "head": {**_ref(record, "head"), "repo": repo},
            "base": {**_ref(record, "base"), "repo": repo},
        }
    ]


def _ref(record: PullRecord, side: str) -> Entity:
    return {name: record.pull[side][name] for name in ("ref", "sha")}


def _head_commit(record: PullRecord, entity: Entity) -> Entity | None:
    for each in reversed(record.commits):
        if each["sha"] == entity["head_sha"]:
            git = each["commit"]
            people = {
                side: {name: (git.get(side) or {}).get(name) or "" for name in ("name", "email")}
                for side in ("author", "committer")
            }
            return {
                "id": each["sha"],
                "tree_id": git["tree"]["sha"],
                "message": git["message"],
                "timestamp": git["committer"]["date"],
                **people,
            }
    return None
