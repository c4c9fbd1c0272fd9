"""What can be watched: topics `run:12`, `job:3`, `tenant:1`, whose they are and how they stand."""

import re
from collections.abc import Collection
from typing import Any, Final, Literal, NamedTuple

from django.db.models import Q

from jobs.live.cards import cards_of, current
from jobs.models import Job, JobRun
from jobs.progress import progress_of
from tenants.models import Tenant
from tenants.scope import every_tenant, tenant_scope

Kind = Literal["run", "job", "tenant"]
KINDS: Final[tuple[Kind, ...]] = ("run", "job", "tenant")
_NAME: Final = re.compile(r"(run|job|tenant):([1-9][0-9]{0,17})")


class Topic(NamedTuple):
    """Something that can be watched. key: id of the run, job or tenant."""

    kind: Kind
    key: int

    @property
    def name(self) -> str:
        """As clients name it."""
        return f"{self.kind}:{self.key}"

    @property
    def group(self) -> str:
        """Name of the channel group that is told of it."""
        return f"live.{self.kind}.{self.key}"


class Reading(NamedTuple):
    """How a topic stands. state: as it is shown. seqs: number of the last event by run."""

    state: dict[str, Any]
    seqs: dict[int, int]


def parse(name: object) -> Topic | None:
    """Return the topic of this name; None for what is no such name."""
    found = _NAME.fullmatch(name) if isinstance(name, str) else None
    return Topic(found[1], int(found[2])) if found else None  # type: ignore[arg-type]


def tenant_of(topic: Topic) -> int | None:
    """Return the id of the tenant whose topic it is; None if there is no such thing."""
    with every_tenant("finds the tenant of a topic before there is a scope"):
        if topic.kind == "tenant":
            return Tenant.objects.filter(pk=topic.key).values_list("pk", flat=True).first()
        rows: Any = (JobRun if topic.kind == "run" else Job).objects
        found: int | None = rows.filter(pk=topic.key).values_list("tenant_id", flat=True).first()
        return found


def read(topic: Topic, tenant_id: int) -> Reading | None:
    """Read how a topic of the tenant stands now; None if it is not there any more.

    The numbers are read first, so the state is never older than they say.
    """
    with tenant_scope(tenant_id):
        if topic.kind == "run":
            run: JobRun | None = JobRun.objects.filter(pk=topic.key).first()
            if run is None:
                return None
            return Reading(dict(progress_of(run)), {run.pk: run.progress_seq})
        runs = JobRun.objects.all()
        if topic.kind == "job":
            runs = runs.filter(job_id=topic.key)
        seqs = dict(runs.order_by("-id").values_list("pk", "progress_seq")[:100])
        cards = cards_of(runs)
        return Reading({"runs": list(cards.values())}, {key: seqs.get(key, 0) for key in cards})


def numbers(watched: Collection[Topic]) -> dict[Topic, dict[int, int]]:
    """Return for each topic the numbers of the last events by run. One query for all of them."""
    keys = {kind: [topic.key for topic in watched if topic.kind == kind] for kind in KINDS}
    with every_tenant("looks whether an event was missed"):
        runs = JobRun.objects.filter(Q(tenant_id__in=keys["tenant"]) | Q(job_id__in=keys["job"]))
        rows = JobRun.objects.filter(Q(pk__in=keys["run"]) | Q(pk__in=current(runs).values("pk")))
        found = list(rows.values_list("pk", "job_id", "tenant_id", "progress_seq"))
    told: dict[Topic, dict[int, int]] = {topic: {} for topic in watched}
    for run_id, job_id, tenant_id, seq in found:
        own = (Topic("run", run_id), Topic("job", job_id), Topic("tenant", tenant_id))
        for topic in told.keys() & set(own):
            told[topic][run_id] = seq
    return told
