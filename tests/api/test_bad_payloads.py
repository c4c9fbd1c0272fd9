"""What is carried inside a request and read by other rules than JSON of the API: pages that are
pushed, deliveries that are signed, files of rules. Whatever it holds is no fault of ours."""

import hmac
import json
from hashlib import sha256
from typing import Any, Final

import pytest
from rest_framework.test import APIClient

from integrations.models import Integration
from jobs.models import Stage
from jobs.steps import work_next
from tests.admin.world import World
from tests.api.test_webhooks_in import ISSUE, connected, made

pytestmark = pytest.mark.django_db

DEEP: Final = 200_000
BAD: Final[dict[str, str]] = {
    "nested 200,000 arrays deep": "[" * DEEP + "]" * DEEP,
    "nested 200,000 objects deep": '{"a":' * DEEP + "1" + "}" * DEEP,
    "deep inside": '{"issues": [{"id": "1", "fields": ' + "[" * DEEP + "]" * DEEP + "}]}",
    "NUL": '{"issues": [{"id": "1\\u0000", "fields": {"summary": "a\\u0000b"}}]}',
    "half a pair": '{"issues": [{"id": "\\ud800", "fields": {"summary": "\\udfff"}}]}',
    "2^70": '{"issues": [{"id": HUGE}], "timestamp": HUGE}'.replace("HUGE", str(2**70)),
    "5,000 digits": '{"issues": [{"id": %s}]}' % ("9" * 5_000),
    "1e999": '{"issues": [{"id": 1e999, "fields": {"summary": NaN}}]}',
    "an issue of nothing": '{"issue": null, "issues": [null, 1, [], "x"]}',
    "an issue of 2^70": f'{{"webhookEvent": "jira:issue_updated", "issue": {{"id": {2**70}}}}}',
    "an issue with NUL": '{"webhookEvent": "jira:issue_updated", "issue": {"id": "1\\u0000"}}',
    "an event with NUL": json.dumps({"webhookEvent": "a\0b", "issue": ISSUE}),
    "an event that is none": json.dumps({"webhookEvent": [{}], "issue": ISSUE}),
    "nothing": "",
}


@pytest.fixture
def jira(ours: World) -> Integration:
    """A connected Jira of ours that fetches one project."""
    return connected(ours, "jira", projects="PAY")


def is_sane(answer: Any) -> bool:
    if answer.status_code < 300:
        return True
    is_problem: bool = answer["Content-Type"] == "application/problem+json"
    return is_problem and answer.status_code in (400, 409)


@pytest.mark.parametrize("name", BAD)
def test_a_page_that_is_pushed_may_hold_anything(
    as_admin: APIClient, ours: World, jira: Integration, name: str
) -> None:
    for is_lines in (False, True):
        body = {"integration": jira.pk, "stream": "issues", "body": BAD[name], "is_lines": is_lines}
        answer = as_admin.post("/api/v1/raw-pages/", body)
        assert is_sane(answer), answer.content
        while sum(work_next(stage, "test") for stage in Stage):
            pass
        for path in ("quarantine", "raw-pages", "runs"):
            assert as_admin.get(f"/api/v1/{path}/").status_code == 200


@pytest.mark.parametrize("name", BAD)
def test_a_delivery_that_is_signed_may_hold_anything(
    as_admin: APIClient, jira: Integration, name: str
) -> None:
    path, secret = made(as_admin, jira)
    body = BAD[name].encode()
    signature = f"sha256={hmac.new(secret.encode(), body, sha256).hexdigest()}"
    answer = APIClient().post(
        path, body, content_type="application/json", headers={"X-Hub-Signature": signature}
    )
    assert is_sane(answer), answer.content
    assert as_admin.get("/api/v1/webhook-deliveries/").status_code == 200


@pytest.mark.parametrize(
    "text",
    ["level,name\n1,a\0b\n", f"level,name\n{2**70},a\n", "\0", '"' * 100_000, ",\n" * 100_000],
)
def test_a_file_of_rules_may_hold_anything(as_admin: APIClient, text: str) -> None:
    for query in ("table=hierarchies", "table=hierarchies&apply=true&mode=replace"):
        path = f"/api/v1/mapping-import/?{query}"
        answer = as_admin.generic("POST", path, text, content_type="text/csv")
        assert answer.status_code == 400, answer.content
        assert answer["Content-Type"] == "application/problem+json"
