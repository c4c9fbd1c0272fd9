"""The job cards of Home: each integration with its health, last run, next run and progress."""

from dataclasses import dataclass
from typing import Final

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from jobs.models import Job
from jobs.pages.job_filters import make_missing_jobs
from jobs.pages.job_rows import JobRow, job_rows
from tenants.permissions import Access, access_of

SHOWN: Final = 30


@dataclass(frozen=True)
class JobCards:
    """The cards, as of the Jobs page, and whether there are more jobs than are shown."""

    cards: list[JobRow]
    has_more: bool

    @property
    def is_running(self) -> bool:
        """Whether any of the runs shown goes on."""
        return any(card.is_running for card in self.cards)


def job_cards(access: Access) -> JobCards:
    """Return the cards of the tenant in scope, active ones first; as many queries for any."""
    jobs = Job.objects.select_related("integration", "tenant")
    found = list(jobs.order_by("-integration__is_active", "integration__name")[: SHOWN + 1])
    return JobCards(job_rows(found[:SHOWN], access, bars=1), len(found) > SHOWN)


def first_job_cards(access: Access) -> JobCards:
    """Return the cards, having made the jobs of integrations that had none yet."""
    make_missing_jobs()
    return job_cards(access)


def job_cards_fragment(request: HttpRequest) -> HttpResponse:
    """Answer with the cards alone, which Home asks for again and again while it is open."""
    access = access_of(request)
    if access is None or access.current is None:
        raise PermissionDenied
    response = render(request, "admin/home/jobs.html", {"jobs": job_cards(access)})
    response["Cache-Control"] = "no-store"
    return response
