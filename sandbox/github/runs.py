"""Workflow runs of a pull request, computed from it."""

from sandbox.generate.draws import Draws
from sandbox.github.records import Entity, PullRecord, seconds
from sandbox.github.times import iso

WORKFLOW_NAME, WORKFLOW_PATH = "CI", ".github/workflows/ci.yml"
_CONCLUSIONS = ("success", "success", "success", "failure", "cancelled")
_FIRST_ID = 4_000_000_000


def workflow_id(repository_id: int) -> int:
    """Return the id of a repository's only workflow."""
    return 70_000_000 + repository_id % 10_000_000


def runs_of(seed: int, record: PullRecord) -> list[Entity]:
    """Return the runs of a pull request's newest commit; a re-run keeps id and creation."""
    pull = record.pull
    draws = Draws(seed, "runs", pull["id"])
    opened = seconds(pull["created_at"])
    attempts = 2 if draws.chance(0.1) else 1
    lasts = 60 + draws.below(1_800)
    ended = opened + lasts + (attempts - 1) * 3_600
    return [
        {
            "id": _FIRST_ID + pull["id"] * 10,
            "name": WORKFLOW_NAME,
            "path": WORKFLOW_PATH,
            "head_branch": pull["head"]["ref"],
            "head_sha": pull["head"]["sha"],
            "display_title": pull["title"],
            "run_number": pull["number"],
            "run_attempt": attempts,
            "event": "pull_request",
            "status": "completed",
            "conclusion": draws.pick(_CONCLUSIONS),
            "workflow_id": workflow_id(record.repository_id),
            "actor": pull["user"],
            "triggering_actor": pull["user"],
            "created_at": iso(opened),
            "updated_at": iso(ended),
            "run_started_at": iso(ended - lasts),
        }
    ]
