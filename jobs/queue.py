"""The queue: steps of `etl_job_queue` are enqueued, claimed and completed here.

The row is the truth. A step is made in the transaction of the data that makes it necessary,
claimed by one conditional UPDATE that raises its fence, and completed in the transaction of its
work, which rolls back when the fence no longer stands. A broker message is a hint with an id.
What becomes of a step that is not completed is in `jobs.retries`.
"""

import json
import secrets
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Sum
from django.utils import timezone

from common.errors import PipelineError
from integrations.models import Integration
from jobs import sessions
from jobs.models import JobRun, QueueEntry, Stage
from tenants.models import Tenant, Tier
from tenants.scope import check_writable, every_tenant
from warehouse.models.staging import StagedPage

CHANNEL: Final = "etl_queue"
WAKE: Final = threading.Event()
"""Set when steps of this process were committed; an in-process relay waits for it."""

PRIORITIES: Final = {Tier.ENTERPRISE: 0, Tier.PREMIUM: 1, Tier.BASIC: 2, Tier.FREE: 3}
ROWS_AN_INSERT: Final = 200

WHOLE_QUEUE = "the queue serves every tenant"


class LostLeaseError(PipelineError):
    """The step was given to somebody else meanwhile: its work must roll back."""


@dataclass(frozen=True, slots=True)
class NewStep:
    """A step to be made. key: its natural name in the run. run_at: not before; None means now."""

    stage: Stage
    stream: str
    key: str
    params: Mapping[str, Any] = field(default_factory=dict)
    run_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """What a step did: records read, rows written, rows skipped as unchanged, set aside."""

    records: int = 0
    rows: int = 0
    skipped: int = 0
    quarantined: int = 0


# ---- making steps


def enqueue(run: JobRun, steps: Sequence[NewStep]) -> int:
    """Make the steps of a run, in the caller's transaction; return how many were new.

    A step whose key the run has already is left as it is.
    """
    priority = priority_of(run.tenant_id)
    owner = (run.tenant_id, run.pk, run.integration_id, priority, run.trace_id)
    return _insert(owner, steps)


def priority_of(tenant_id: int) -> int:
    """Return the claim order of a tenant's steps: 0 (enterprise) comes first, 3 (free) last."""
    return PRIORITIES[Tier(Tenant.objects.values_list("tier", flat=True).get(pk=tenant_id))]


_Owner: TypeAlias = tuple[int, int, int, int, str]
"""Tenant, run, integration, priority, trace: what a step has from its run."""

_COLUMNS = (
    "tenant_id, run_id, integration_id, priority, trace_id, stage, stream, key, params, state, "
    "attempts, run_at, fence, leased_by, record_count, row_count, skipped_count, "
    "quarantined_count, error, created_at"
)
_VALUES = "(%s, %s, %s, %s, %s, %s, %s, %s, %s, 'queued', 0, %s, 0, '', 0, 0, 0, 0, '', %s)"


def _insert(owner: _Owner, steps: Sequence[NewStep]) -> int:
    check_writable(owner[0])
    now = timezone.now()
    made = 0
    for first in range(0, len(steps), ROWS_AN_INSERT):
        part = steps[first : first + ROWS_AN_INSERT]
        values = [value for step in part for value in _values(owner, step, now)]
        rows = ", ".join([_VALUES] * len(part))
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO etl_job_queue ({_COLUMNS}) VALUES {rows} ON CONFLICT DO NOTHING",
                values,
            )
            made += cursor.rowcount
    if made:
        wake_relay()
    return made


def _values(owner: _Owner, step: NewStep, now: datetime) -> list[Any]:
    moment = connection.ops.adapt_datetimefield_value
    params = json.dumps(dict(step.params), separators=(",", ":"))
    named = [step.stage, step.stream, step.key, params]
    return [*owner, *map(str, named), moment(step.run_at or now), moment(now)]


def wake_relay() -> None:
    """Let the relay look at the queue as soon as the running transaction is committed."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")
    transaction.on_commit(WAKE.set)


# ---- load steps gather: at most one queued load step a stream, no staged page without one

_ENSURE = """
INSERT INTO etl_job_queue (
    tenant_id, run_id, integration_id, priority, trace_id, stage, stream, key, params, state,
    attempts, run_at, fence, leased_by, record_count, row_count, skipped_count,
    quarantined_count, error, created_at
) VALUES (%s, %s, %s, %s, %s, 'load', %s, %s, '{{}}', 'queued', 0, %s, 0, '', 0, 0, 0, 0, '', %s)
ON CONFLICT (run_id, stream) WHERE stage = 'load' AND state = 'queued'
DO UPDATE SET run_at = {least}(etl_job_queue.run_at, excluded.run_at)
"""


def ensure_load_step(
    run: JobRun, integration: Integration | int, stream: str, due_now: bool
) -> None:
    """See to it that a queued load step will take what this transaction stages.

    Belongs at the end of that transaction. An existing queued step is kept and at most made due
    earlier; its row stays locked until the commit, so that it is not claimed before the staged
    page can be seen.
    """
    check_writable(run.tenant_id)
    now = timezone.now()
    linger = 0.0 if due_now else settings.LOAD_LINGER_SECONDS
    moment = connection.ops.adapt_datetimefield_value
    values = (
        run.tenant_id,
        run.pk,
        integration if isinstance(integration, int) else integration.pk,
        priority_of(run.tenant_id),
        run.trace_id,
        stream,
        f"load:{stream}:{secrets.token_hex(6)}",
        moment(now + timedelta(seconds=linger)),
        moment(now),
    )
    least = "LEAST" if connection.vendor == "postgresql" else "MIN"
    with connection.cursor() as cursor:
        cursor.execute(_ENSURE.format(least=least), values)
    if due_now:
        wake_relay()


def load_is_due(run_id: int, stream: str, except_step_id: int | None = None) -> bool:
    """Say whether to load now: enough items are staged, or nothing more of the stream comes.

    except_step_id: the step that asks, which is itself still open.
    """
    coming = QueueEntry.objects.filter(
        run_id=run_id,
        stream=stream,
        stage__in=(Stage.EXTRACT, Stage.TRANSFORM),
        state__in=QueueEntry.OPEN,
    ).exclude(pk=except_step_id)
    if not coming.exists():
        return True
    staged = StagedPage.objects.filter(run_id=run_id, stream=stream)
    items = staged.aggregate(items=Sum("item_count"))["items"] or 0
    return bool(items >= settings.LOAD_BATCH_ITEMS)


# ---- claiming

_CLAIM = """
UPDATE etl_job_queue SET state = 'running', fence = fence + 1, attempts = attempts + 1,
    leased_by = %s, leased_until = %s, started_at = %s, finished_at = NULL
WHERE id = (
    SELECT q.id FROM etl_job_queue q JOIN etl_job_runs r ON r.id = q.run_id {turns}
    WHERE q.state = 'queued' AND q.run_at <= %s AND NOT r.cancel_requested
        AND r.paused_at IS NULL AND {which}
    ORDER BY q.priority, {turn} q.run_at, q.id LIMIT 1 {lock}
) AND state = 'queued' RETURNING *{session}
"""

# Sources limit how often they are asked, so tenants take turns in asking, however many steps
# each of them has: whose turn was longest ago comes first.
_TURNS = "LEFT JOIN etl_tenant_turns t ON t.tenant_id = q.tenant_id"
_TURN = "COALESCE(t.served_at, '1970-01-01 00:00:00'),"
_TAKE_TURN = """
INSERT INTO etl_tenant_turns (tenant_id, served_at) VALUES (%s, %s)
ON CONFLICT (tenant_id) DO UPDATE SET served_at = excluded.served_at
"""

# A claim need not be on disk before the work begins: the commit of the work takes it along, and
# if the server crashes before that, the step is as it was. It saves every other flush.
# The session also says what it has in hand, so that its locks can be ended with the lease.
_SESSION = {"postgresql": f"{sessions.LIMIT}; SET LOCAL synchronous_commit = off; "}
_NAME_SESSION = {"postgresql": f", {sessions.NAMING}"}


def claim(stage: str, worker: str, *, hinted: bool = False) -> QueueEntry | None:
    """Take the best due step of a stage (tier, then time), in a transaction of its own.

    hinted: only among steps that were dispatched, which were due then by the relay's clock.
    Workers claim so: each hint takes one such step if there is any, whatever this machine's
    clock says, so that no dispatched step is left without a hint under way.
    """
    which = "q.stage = %s" + (" AND q.dispatched_at IS NOT NULL" if hinted else "")
    # Of due steps some may be locked by a commit under way (`ensure_load_step`): skip them first,
    # then wait for them, for the hint that would have taken them may be this one.
    for lock in _LOCKS.get(connection.vendor, ("",)):
        step = _claim(worker, which, stage, lock, early=hinted)
        if step is not None:
            return step
    return None


def claim_step(step_id: int, worker: str, *, early: bool = False) -> QueueEntry | None:
    """Take this step if it is queued and due, in a transaction of its own. early: or not yet due.

    Early claims are for steps that were put off in favour of the process that claims them now.
    """
    lock = "FOR UPDATE OF q" if connection.vendor == "postgresql" else ""
    return _claim(worker, "q.id = %s", step_id, lock, early=early)


_LOCKS = {
    "postgresql": (
        "FOR UPDATE OF q SKIP LOCKED",
        "FOR UPDATE OF q",
        "FOR UPDATE OF q SKIP LOCKED",
    )
}


def _claim(
    worker: str, which: str, what: str | int, lock: str, *, early: bool = False
) -> QueueEntry | None:
    moment = connection.ops.adapt_datetimefield_value
    turns = (_TURNS, _TURN) if what == Stage.EXTRACT else ("", "")
    session = _NAME_SESSION.get(connection.vendor, "")
    claim_sql = _CLAIM.format(
        which=which, lock=lock, turns=turns[0], turn=turns[1], session=session
    )
    sql = _SESSION.get(connection.vendor, "") + claim_sql
    with every_tenant(WHOLE_QUEUE), transaction.atomic(durable=True):
        # SQLite waits for its write lock when a transaction begins: look at the clock after that.
        now = timezone.now()
        due_by = now + timedelta(days=36500) if early else now
        until = now + timedelta(seconds=settings.STEP_LEASE_SECONDS)
        values = (worker, moment(until), moment(now), moment(due_by), what)
        claimed = list(QueueEntry.objects.raw(sql, values))
        if claimed and claimed[0].stage == Stage.EXTRACT:
            with connection.cursor() as cursor:
                cursor.execute(_TAKE_TURN, (claimed[0].tenant_id, moment(now)))
    return claimed[0] if claimed else None


def renew(worker: str, step_ids: Iterable[int]) -> int:
    """Prolong this worker's leases of the steps; return how many it still holds."""
    until = timezone.now() + timedelta(seconds=settings.STEP_LEASE_SECONDS)
    with every_tenant(WHOLE_QUEUE):
        held = QueueEntry.objects.filter(
            pk__in=list(step_ids), leased_by=worker, state=QueueEntry.State.RUNNING
        )
        return held.update(leased_until=until)


# ---- ending a step


_COMPLETE = """
UPDATE etl_job_queue SET state = 'done', finished_at = %s, leased_until = NULL, error = '',
    record_count = %s, row_count = %s, skipped_count = %s, quarantined_count = %s
WHERE id = %s AND fence = %s AND leased_by = %s AND state = 'running'
"""


def complete(
    step: QueueEntry, counts: Counts | None = None, successors: Sequence[NewStep] = ()
) -> None:
    """Mark a claimed step done and make its successors; the last thing in the work's transaction.

    Raises LostLeaseError, so that the whole transaction rolls back, if the step was swept,
    cancelled or claimed again meanwhile.
    """
    if not connection.in_atomic_block:
        raise RuntimeError("complete() belongs in the transaction of the step's work")
    counts = counts or Counts()
    values = (counts.records, counts.rows, counts.skipped, counts.quarantined)
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.execute(_COMPLETE, (now, *values, step.pk, step.fence, step.leased_by))
        done = cursor.rowcount
    if not done:
        raise LostLeaseError(f"{step} is no longer held with fence {step.fence}")
    owner = (step.tenant_id, step.run_id, step.integration_id, step.priority, step.trace_id)
    _insert(owner, successors)


def as_claimed(step: QueueEntry) -> dict[str, Any]:
    """Return the conditions under which a claimed step is still its claimer's."""
    return {
        "pk": step.pk,
        "fence": step.fence,
        "leased_by": step.leased_by,
        "state": QueueEntry.State.RUNNING,
    }
