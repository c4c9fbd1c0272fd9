"""The way to a first run: connect, choose, run, map; each with what is done, next and later."""

from dataclasses import dataclass
from typing import Any, Final

from django.urls import reverse

from etl_project.home.jobs import JobCards
from etl_project.home.links import inbox
from integrations.models import Integration
from jobs.models import JobRun
from mappings.models import StatusResolution, WitResolution

FIRST_RUNS: Final = 3
"""While a tenant has no more runs than this, mapping is still a first step."""


@dataclass(frozen=True)
class FirstStep:
    """A step. state: done, next or later."""

    number: int
    title: str
    text: str
    link: str
    action: str
    state: str


def first_steps(tenant_id: int, jobs: JobCards) -> list[FirstStep]:
    """Return the four steps, or none once a tenant is past them."""
    cards = jobs.cards
    finished = JobRun.objects.exclude(state=JobRun.State.RUNNING).order_by()[: FIRST_RUNS + 1]
    count = finished.count()
    is_loaded = any(card.run and card.run.state.startswith("completed") for card in cards)
    if count > FIRST_RUNS and is_loaded:
        return []
    is_mapped = is_loaded and not _has_unmapped()
    if is_mapped:
        return []
    first = reverse("admin:integrations_integration_add")
    sources = [card.job.integration for card in cards]
    source = _page(sources[0]) if sources else first
    given = (
        (
            "Connect",
            "Give the address of your Jira or GitHub and a token, and test the connection.",
            first,
            "Connect a source",
            bool(cards),
        ),
        (
            "Choose",
            "Pick the projects and repositories that are to be loaded.",
            source,
            "Choose what to load",
            is_loaded or any(map(_is_chosen, sources)),
        ),
        (
            "Run",
            "Start the first run and watch it; everything that comes is kept.",
            source,
            "Go to the source and run",
            is_loaded,
        ),
        (
            "Map",
            "Say what the types and statuses of your teams mean. Suggestions are waiting.",
            inbox(),
            "Open the inbox",
            False,
        ),
    )
    return list(_with_states(given))


def _with_states(given: Any) -> Any:
    is_next_given = False
    for number, (title, text, link, action, is_done) in enumerate(given, 1):
        state = "done" if is_done else "later" if is_next_given else "next"
        is_next_given = is_next_given or not is_done
        yield FirstStep(number, title, text, link, action, state)


def _page(row: Integration) -> str:
    return reverse("admin:integrations_integration_change", args=(row.pk,))


def _is_chosen(row: Integration) -> bool:
    """Say whether something was picked, or the source is fed by imports, which need no choice."""
    return not row.credentials or any(
        isinstance(value, list) and value for value in row.settings.values()
    )


def _has_unmapped() -> bool:
    return (
        WitResolution.objects.filter(mapping=None).exists()
        or StatusResolution.objects.filter(mapping=None).exists()
    )
