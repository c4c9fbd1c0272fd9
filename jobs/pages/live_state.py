"""How a topic stands, over plain HTTP: for pages whose WebSocket does not come through."""

from django.http import HttpRequest, JsonResponse

from jobs.live import topics
from tenants.permissions import access_of


def live_state(request: HttpRequest, kind: str, key: int) -> JsonResponse:
    """Answer with the state of a topic; 404 for one that the user may not see, as for none."""
    access = access_of(request)
    topic = topics.parse(f"{kind}:{key}") if access is not None else None
    tenant_id = topics.tenant_of(topic) if topic is not None else None
    reading = None
    if access is not None and topic and tenant_id and access.may_read_tenant(tenant_id):
        reading = topics.read(topic, tenant_id)
    if reading is None:
        return JsonResponse({"type": "error", "detail": "There is no such topic."}, status=404)
    response = JsonResponse(reading.state)
    response["Cache-Control"] = "no-store"
    return response
