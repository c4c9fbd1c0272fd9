"""The actors: one a stage, each on a queue of its own. Thin: an id in, one call.

The id is a hint. What the actor works is the best step of its stage that is due by then, so that
tiers count when a step is claimed and not when its message was sent. There is no retrying here:
retries and delays are `run_at` in the row.
"""

from typing import Any, Final

import dramatiq

from jobs import heartbeat, steps
from jobs.models import Stage

TIME_LIMIT_MS: Final = 6 * 3600 * 1000


def queue_name(stage: str) -> str:
    """Return the broker queue of a stage; a new version when its arguments change."""
    return f"etl.{stage}.v1"


def _actor(stage: Stage) -> dramatiq.Actor[Any, None]:
    def work(step_id: int) -> None:
        steps.work_next(stage, heartbeat.worker_id(), hinted=True)

    declare = dramatiq.actor(
        actor_name=f"work_{stage}", queue_name=queue_name(stage), time_limit=TIME_LIMIT_MS
    )
    return declare(work)


ACTORS: Final = {stage: _actor(stage) for stage in Stage}
