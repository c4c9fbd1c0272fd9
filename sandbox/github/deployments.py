"""The statuses of deployments, newest first as the API lists them."""

from sandbox.github.records import Entity
from sandbox.github.repository import Repository


def statuses_of(repository: Repository, deployment: Entity) -> list[Entity]:
    """Return the statuses of a deployment, newest first; none where no state is known."""
    changed = repository.statuses.get(deployment["id"], [])
    state = deployment.get("first_state", deployment.get("state"))
    if not state:
        return changed[::-1]
    ended = deployment.get("first_updated_at", deployment["updated_at"])
    at = (("in_progress", deployment["created_at"]), (state, ended))
    first = [
        {
            "id": deployment["id"] * 10 + number,
            "state": name,
            "creator": deployment.get("creator"),
            "description": "",
            "environment": deployment.get("environment"),
            "created_at": moment,
            "updated_at": moment,
        }
        for number, (name, moment) in enumerate(at)
    ]
    return [*first, *changed][::-1]


def state_of(repository: Repository, deployment: Entity) -> str | None:
    """Return the state of the newest status, None where none is known."""
    statuses = statuses_of(repository, deployment)
    return str(statuses[0]["state"]) if statuses else None
