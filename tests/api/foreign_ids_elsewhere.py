"""Requests of `foreign_ids.py` about anything but rules; all of them together."""

from collections.abc import Iterator

from integrations.models import Integration
from jobs.models import JobRun, QueueEntry
from mappings.models import WitHierarchy, WorkflowStep
from notices.models import Endpoint
from tests.api.foreign_ids import Naming, of_rules


def namings() -> Iterator[Naming]:
    """Yield every request that names a row."""
    yield from of_rules()
    yield from _of_decisions()
    yield from _of_work()
    yield from _of_endpoints()


def _of_decisions() -> Iterator[Naming]:
    path = "mapping-inbox/accept/"
    a_type = {"kind": "type", "name": "chore", "target": "Task"}
    a_status = {"kind": "status", "name": "brewing", "target": "Doing"}
    yield Naming(
        "DecisionBody.integration",
        Integration,
        "POST",
        path,
        lambda pair, id_: {
            "entries": [{**a_type, "integration": id_, "hierarchy": pair.edited[WitHierarchy]}]
        },
    )
    yield Naming(
        "DecisionBody.hierarchy",
        WitHierarchy,
        "POST",
        path,
        lambda _, id_: {"entries": [{**a_type, "integration": None, "hierarchy": id_}]},
    )
    yield Naming(
        "DecisionBody.step",
        WorkflowStep,
        "POST",
        path,
        lambda _, id_: {"entries": [{**a_status, "integration": None, "step": id_}]},
    )
    yield Naming(
        "AcceptAllBody.integration",
        Integration,
        "POST",
        "mapping-inbox/accept-all/",
        lambda _, id_: {"min_confidence": 100, "integration": id_},
    )


def _of_work() -> Iterator[Naming]:
    page = {"stream": "issues", "body": "{}"}
    yield Naming(
        "PushGiven.integration",
        Integration,
        "POST",
        "raw-pages/",
        lambda _, id_: {**page, "integration": id_},
    )
    yield Naming(
        "RetransformGiven.integration",
        Integration,
        "POST",
        "retransform/",
        lambda _, id_: {"integration": id_},
    )
    replay = "dead-steps/replay/"
    yield Naming("ReplayGiven.ids", QueueEntry, "POST", replay, lambda _, id_: {"ids": [id_]})
    yield Naming("", JobRun, "POST", replay, lambda _, id_: {"run": id_})
    yield Naming("", Integration, "POST", replay, lambda _, id_: {"integration": id_})


def _of_endpoints() -> Iterator[Naming]:
    given = {"name": "ops", "url": "https://hooks.example.com/etl", "events": ["run.failed"]}
    yield Naming(
        "EndpointGiven.integrations",
        Integration,
        "POST",
        "webhook-endpoints/",
        lambda _, id_: {**given, "integrations": [id_]},
    )
    yield Naming(
        "EndpointChanged.integrations",
        Integration,
        "PATCH",
        "webhook-endpoints/{}/",
        lambda _, id_: {"integrations": [id_]},
        lambda pair: int(pair.named.row(Endpoint).pk),
    )
