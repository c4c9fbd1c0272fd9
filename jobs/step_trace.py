"""The trace of a step while it is worked."""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager

from common import tracing
from jobs.models import QueueEntry

logger = logging.getLogger(__name__)


@contextmanager
def on_behalf_of(step: QueueEntry) -> Iterator[None]:
    """Bind the trace of a step with whose and which it is, and log how long it was in hand."""
    fields: dict[str, tracing.Field] = {"tenant": step.tenant_id, "run": step.run_id}
    with tracing.bind(step.trace_id, **fields, step=step.pk, stage=step.stage):
        began = time.monotonic()
        try:
            yield
        finally:
            seconds = time.monotonic() - began
            logger.info("%s was in hand for %.3f s", step, seconds)
