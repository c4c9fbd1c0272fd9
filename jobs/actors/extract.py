"""The extract step: fetches a page, stores it raw, and makes its transform and what comes next."""

from collections.abc import Callable
from typing import Final

from jobs import census, extract_live, extract_recorded, phases, webhooks_in
from jobs.models import QueueEntry

_KINDS: Final[dict[str, Callable[[QueueEntry], None]]] = {
    "file": extract_recorded.read_recording,
    "ask": extract_live.fetch_step,
    "begin": phases.begin_step,
    "compare": census.compare_step,
    webhooks_in.REFETCH: webhooks_in.refetch_step,
}
"""By the member of the step's params that says what is to be done."""


def run_extract(step: QueueEntry) -> None:
    """Do what the step's params say."""
    kind = next(name for name in _KINDS if name in step.params)
    _KINDS[kind](step)
