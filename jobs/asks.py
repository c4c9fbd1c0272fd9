"""The asks of a live run as steps, and what a connector may use while it does one."""

from collections.abc import Sequence
from typing import Final, cast

import msgspec

from common.digest import content_digest
from integrations.contract import Ask, Mode
from integrations.live import LiveSource
from integrations.models import Integration
from jobs.checkpoints import resumed_parts
from jobs.control import stopping
from jobs.models import JobRun, Stage
from jobs.queue import NewStep
from warehouse.census import loaded_ids

_LONGEST_KEY: Final = 150


def ask_steps(asks: Sequence[Ask], phase: str, **more: bool) -> list[NewStep]:
    """Return the steps of asks. phase: of the run, in which the same ask is made only once.

    more: further params of the steps.
    """
    return [
        NewStep(
            stage=Stage.EXTRACT,
            stream=ask.stream,
            key=f"{phase}:{ask.stream}:{_short(ask.key)}",
            params={"ask": msgspec.to_builtins(ask), "phase": phase, **more},
        )
        for ask in asks
    ]


def _short(key: str) -> str:
    return key if len(key) <= _LONGEST_KEY else content_digest(key.encode())


def live_source(run: JobRun, integration: Integration) -> LiveSource:
    """Return what a connector may use in this run; raise UsageError for wrong settings."""
    return LiveSource(
        integration,
        mode=cast(Mode, "incremental" if run.mode == JobRun.Mode.REFETCH else run.mode),
        started_at=run.started_at,
        window=run.params.get("window", {}),
        loaded_ids=lambda table, part: loaded_ids(run.tenant_id, integration.pk, table, part),
        resumed=resumed_parts(run),
        before_request=stopping.check,
    )
