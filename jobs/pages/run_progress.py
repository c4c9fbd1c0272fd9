"""Progress over plain HTTP, for a page whose WebSocket does not come through."""

from django.http import HttpRequest, JsonResponse

from jobs.models import JobRun
from jobs.progress import progress_of
from tenants.permissions import access_of
from tenants.scope import tenant_scope


def run_progress(request: HttpRequest, run_id: int) -> JsonResponse:
    """Answer with the run's progress; 404 for a run that the user may not see, as for none."""
    access = access_of(request)
    run = JobRun.objects.filter(pk=run_id).first() if access is not None else None
    if run is None:
        return JsonResponse({"type": "error", "detail": "There is no such run."}, status=404)
    with tenant_scope(run.tenant_id):
        response = JsonResponse(progress_of(run))
    response["Cache-Control"] = "no-store"
    return response
