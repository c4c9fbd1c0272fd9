"""Home: what the tenant in scope has, what goes on, and what somebody should look at."""

from typing import Any

from django.http import HttpRequest

from etl_project.home.charts import charts
from etl_project.home.failures import failures
from etl_project.home.figures import figures
from etl_project.home.first_steps import first_steps
from etl_project.home.jobs import first_job_cards
from etl_project.home.platform import platform
from etl_project.home.unmapped import unmapped
from tenants.permissions import Capability, access_of

__all__ = ["home"]


def home(request: HttpRequest) -> dict[str, Any]:
    """Return the context of Home. In the scope of every tenant it is that of the platform."""
    access = access_of(request)
    if access is None or access.current is None:
        return {"platform": platform(), "failures": failures()}
    jobs = first_job_cards(access)
    shown = figures()
    return {
        "figures": shown,
        "jobs": jobs,
        "steps": first_steps(access.current.pk, jobs),
        "unmapped": unmapped(),
        "failures": failures(),
        "charts": charts(access.current),
        "may_map": access.may(Capability.EDIT_MAPPINGS),
    }
