"""The schedule of an integration over the API, also of one that has never run."""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations.models import Integration
from jobs.api.jobs import CHANGE_EXAMPLES, JobShown, ScheduleGiven, scheduled
from jobs.schedule_edits import held_job_of
from tenants.api.views import TenantViewSet
from tenants.permissions import Capability


class IntegrationScheduleViewSet(TenantViewSet):
    """Schedules integrations."""

    model = Integration
    serializer_class = JobShown
    capabilities = {"schedule": Capability.EDIT_INTEGRATIONS}

    @extend_schema(
        summary="Schedule an integration",
        tags=["jobs"],
        request=ScheduleGiven,
        responses={200: JobShown},
        examples=CHANGE_EXAMPLES,
    )
    @action(detail=True, methods=["patch"])
    def schedule(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Say when it is synced by itself. Its job is made if there is none yet; it is then as
        under `jobs`. 409 for a schedule that cannot be kept: nothing is changed."""
        integration: Integration = self.get_object()
        return scheduled(request, integration.tenant_id, lambda: held_job_of(integration))
