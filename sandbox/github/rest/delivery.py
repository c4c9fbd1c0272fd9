"""Handlers of deployments and workflow runs."""

from sandbox.github.answers import ApiError, not_found
from sandbox.github.deployments import statuses_of
from sandbox.github.ranges import in_range
from sandbox.github.records import Entity, Part, PullRecord
from sandbox.github.repository import Repository
from sandbox.github.rest import delivery_shapes
from sandbox.github.rest.asks import Ask, check_permission
from sandbox.github.runs import workflow_id

MOST_FILTERED_RUNS = 1_000
_DEPLOYMENT_FILTERS = ("sha", "ref", "task", "environment")
_RUN_FILTERS = {"branch": "head_branch", "event": "event", "head_sha": "head_sha"}


def deployments(ask: Ask, repository: Repository) -> list[Entity]:
    """Return the deployments of a repository, newest first."""
    check_permission(ask, "deployments")
    rows = repository.parts("deployments").ordered("created")[::-1]
    wanted = {n: ask.parameters[n] for n in _DEPLOYMENT_FILTERS if ask.parameters.get(n)}
    if wanted:
        rows = [row for row in rows if _has(repository.part("deployments", row)[1], wanted)]
    return ask.listed(
        rows,
        lambda row: delivery_shapes.deployment(
            ask.shapes, repository, repository.part("deployments", row)[1]
        ),
    )


def _has(entity: Entity, wanted: dict[str, str]) -> bool:
    return all(entity.get(name) == value for name, value in wanted.items())


def _deployment(ask: Ask, repository: Repository) -> Entity:
    part = repository.parts("deployments").find(ask.path("deployment_id"))
    if part is None:
        raise not_found()
    return repository.part("deployments", part)[1]


def deployment(ask: Ask, repository: Repository) -> Entity:
    """Return a deployment."""
    return delivery_shapes.deployment(ask.shapes, repository, _deployment(ask, repository))


def deployment_statuses(ask: Ask, repository: Repository) -> list[Entity]:
    """Return the statuses of a deployment, newest first."""
    of = _deployment(ask, repository)
    return ask.listed(
        statuses_of(repository, of),
        lambda each: delivery_shapes.deployment_status(ask.shapes, repository, of, each),
    )


def deployment_status(ask: Ask, repository: Repository) -> Entity:
    """Return a status of a deployment."""
    of = _deployment(ask, repository)
    for each in statuses_of(repository, of):
        if each["id"] == ask.path("status_id"):
            return delivery_shapes.deployment_status(ask.shapes, repository, of, each)
    raise not_found()


def workflows(ask: Ask, repository: Repository) -> Entity:
    """Return the workflows of a repository."""
    check_permission(ask, "actions")
    rows = [repository] if repository.parts("runs").ordered("created") else []
    listed = ask.listed(rows, lambda each: delivery_shapes.workflow(ask.shapes, each))
    return {"total_count": len(rows), "workflows": listed}


def workflow(ask: Ask, repository: Repository) -> Entity:
    """Return a workflow."""
    check_permission(ask, "actions")
    if ask.path("workflow") not in (str(workflow_id(repository.id)), "ci.yml"):
        raise not_found()
    return delivery_shapes.workflow(ask.shapes, repository)


def runs(ask: Ask, repository: Repository) -> Entity:
    """Return workflow runs, newest first; of those that filters find at most 1,000."""
    check_permission(ask, "actions")
    rows = repository.parts("runs").ordered("created")[::-1]
    is_filtered = False
    if created := ask.parameters.get("created"):
        rows = [row for row in rows if _in_range(row.created, created)]
        is_filtered = True
    wanted = {m: ask.parameters[n] for n, m in _RUN_FILTERS.items() if ask.parameters.get(n)}
    status = ask.parameters.get("status")
    if wanted or status:
        is_filtered = True
        rows = [row for row in rows if _is_run(repository.part("runs", row)[1], wanted, status)]
    listed = rows[:MOST_FILTERED_RUNS] if is_filtered else rows

    def shape(row: Part) -> Entity:
        return delivery_shapes.workflow_run(ask.shapes, repository, *repository.part("runs", row))

    return {"total_count": len(rows), "workflow_runs": ask.listed(listed, shape)}


def _is_run(entity: Entity, wanted: dict[str, str], status: str | None) -> bool:
    if status and status not in (entity.get("status"), entity.get("conclusion")):
        return False
    return _has(entity, wanted)


def run(ask: Ask, repository: Repository) -> Entity:
    """Return a workflow run."""
    check_permission(ask, "actions")
    record, entity = _run(ask, repository)
    return delivery_shapes.workflow_run(ask.shapes, repository, record, entity)


def _run(ask: Ask, repository: Repository) -> tuple[PullRecord, Entity]:
    part = repository.parts("runs").find(ask.path("run_id"))
    if part is None:
        raise not_found()
    return repository.part("runs", part)


def _in_range(at: int, text: str) -> bool:
    try:
        return in_range(at, text)
    except ValueError:
        raise ApiError(422, f"{text!r} is no time or range of times.") from None
