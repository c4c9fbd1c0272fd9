"""Deployments are walked newest first; the last thirty days are read again for their status."""

from typing import Any

import pytest

from common.errors import PermanentError
from integrations.contract import DeploymentDraft
from integrations.providers.github.tests.hub import (
    FakeLive,
    Hub,
    Request,
    Run,
    Sent,
    deployment,
    ms,
    run,
)


def hub_with(count: int) -> Hub:
    hub = Hub("acme/ants")
    hub.deployments["R_1"] = [
        deployment(n, f"2024-{1 + n // 28:02}-{1 + n % 28:02}T00:00:00Z")
        for n in range(1, count + 1)
    ]
    return hub


def walk(hub: Hub, marks: Any = None, **more: Any) -> Run:
    return run(FakeLive(hub, marks, repositories="acme/*", deployments=True, **more))


def test_all_deployments_are_read_at_first() -> None:
    done = walk(hub_with(130))
    found = done.values("deployments", DeploymentDraft, "source_id")
    assert sorted(map(int, found)) == list(range(1, 131))
    assert done.marks["deployments", "1"] == {"created": ms("2024-05-19T00:00:00Z")}


def test_a_status_that_changed_within_thirty_days_is_read() -> None:
    hub = hub_with(130)
    hub.deployments["R_1"][105]["latestStatus"] = {"state": "FAILURE"}
    marks = {("deployments", "1"): {"created": ms("2024-05-19T00:00:00Z")}}
    done = walk(hub, marks)
    found = done.values("deployments", DeploymentDraft, "state")
    assert found.count("failure") == 1
    assert len(found) <= 100


def test_what_the_credential_may_not_read_is_said_with_the_way_out() -> None:
    hub = hub_with(1)

    def refuse(request: Request) -> Sent | None:
        if "deployments(" not in request.query:
            return None
        node = {"id": "R_1", "databaseId": 1, "nameWithOwner": "acme/ants", "deployments": None}
        error = {"type": "FORBIDDEN", "message": "not by this token", "path": ["node"]}
        return Sent({"data": {"node": node}, "errors": [error]})

    hub.before = refuse
    with pytest.raises(PermanentError, match=r"not by this token.*switch the setting off"):
        walk(hub)
