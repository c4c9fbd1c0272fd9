"""What the Jobs page is filtered, searched and ordered by; all of it stands in its address."""

from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

from django.db.models import F, OuterRef, Q, QuerySet, Subquery

from integrations.models import Integration
from integrations.registry import connectors
from jobs.models import Job, JobRun
from jobs.pages.job_rows import SMALL_MODES, job_state_choices

ORDERS: Final = {
    "name": ("integration__name",),
    "-started": (F("last_started").desc(nulls_last=True), "integration__name"),
    "next": (F("next_run_at").asc(nulls_last=True), "integration__name"),
}
ORDER_NAMES: Final = {"name": "Name", "-started": "Last run first", "next": "Next run first"}
HEALTHS: Final = {"works": True, "broken": False, "untested": None}
HEALTH_NAMES: Final = {"works": "Works", "broken": "Broken", "untested": "Not tested"}
SCHEDULES: Final = {
    "on": Q(is_active=True) & (Q(interval_minutes__gt=0) | ~Q(cron="")),
    "off": Q(is_active=False),
    "none": Q(interval_minutes=None, cron=""),
}
SCHEDULE_NAMES: Final = {"on": "By schedule", "off": "Schedule off", "none": "No schedule"}


@dataclass(frozen=True)
class Select:
    """A choice of the filter bar. options: (value, words), the first one being for any."""

    name: str
    label: str
    value: str
    options: list[tuple[str, str]]


@dataclass(frozen=True)
class JobFilters:
    """What was chosen; an unknown choice is as none. address: all of it, to be shared."""

    search: str
    state: str
    provider: str
    health: str
    schedule: str
    order: str

    @classmethod
    def given(cls, query: Any) -> "JobFilters":
        """Return what a request asks for."""

        def one_of(name: str, known: Any, otherwise: str = "") -> str:
            value = query.get(name, "")
            return value if value in known else otherwise

        return cls(
            search=query.get("q", "").replace("\0", "").strip()[:200],
            state=one_of("state", dict(job_state_choices())),
            provider=one_of("provider", connectors()),
            health=one_of("health", HEALTHS),
            schedule=one_of("schedule", SCHEDULES),
            order=one_of("order", ORDERS, "name"),
        )

    @property
    def is_any(self) -> bool:
        """Whether nothing is left out."""
        return not (self.search or self.state or self.provider or self.health or self.schedule)

    @property
    def address(self) -> str:
        """The choices as a query string."""
        chosen = {
            "q": self.search,
            "state": self.state,
            "provider": self.provider,
            "health": self.health,
            "schedule": self.schedule,
            "order": "" if self.order == "name" else self.order,
        }
        return urlencode({name: value for name, value in chosen.items() if value})

    def selects(self) -> list[Select]:
        """Return the choices of the filter bar."""
        providers = sorted((slug, each.label) for slug, each in connectors().items())
        return [
            Select("state", "State", self.state, [("", "Any state"), *job_state_choices()]),
            Select("provider", "Provider", self.provider, [("", "Any provider"), *providers]),
            Select("health", "Health", self.health, [("", "Any health"), *HEALTH_NAMES.items()]),
            Select(
                "schedule",
                "Schedule",
                self.schedule,
                [("", "Any schedule"), *SCHEDULE_NAMES.items()],
            ),
            Select("order", "Order", self.order, list(ORDER_NAMES.items())),
        ]

    def apply(self) -> QuerySet[Any]:
        """Return the jobs of the scope that are left, in their order."""
        runs = JobRun.objects.filter(job=OuterRef("pk")).exclude(mode__in=SMALL_MODES)
        last = runs.order_by("-id")
        jobs: QuerySet[Any] = Job.objects.select_related("integration", "tenant").annotate(
            last_state=Subquery(last.values("state")[:1]),
            last_paused=Subquery(last.values("paused_at")[:1]),
            last_started=Subquery(last.values("started_at")[:1]),
        )
        if self.search:
            jobs = jobs.filter(integration__name__icontains=self.search)
        if self.provider:
            jobs = jobs.filter(integration__provider=self.provider)
        if self.health:
            jobs = jobs.filter(integration__is_healthy=HEALTHS[self.health])
        if self.schedule:
            jobs = jobs.filter(SCHEDULES[self.schedule])
        return self._of_state(jobs).order_by(*ORDERS[self.order])

    def _of_state(self, jobs: QuerySet[Any]) -> QuerySet[Any]:
        if self.state == "never":
            return jobs.filter(last_state=None)
        if self.state in ("running", "paused"):
            is_going = self.state == "running"
            return jobs.filter(last_state=JobRun.State.RUNNING, last_paused__isnull=is_going)
        return jobs.filter(last_state=self.state) if self.state else jobs


def make_missing_jobs() -> int:
    """Give every integration of the scope its job; return how many had none."""
    missing = Integration.objects.filter(job=None).values_list("pk", "tenant_id")
    jobs = [Job(integration_id=key, tenant_id=tenant_id) for key, tenant_id in missing]
    if jobs:
        Job.objects.bulk_create(jobs, ignore_conflicts=True)
    return len(jobs)
