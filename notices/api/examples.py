"""Examples of endpoints, notices and deliveries, for the schema."""

from typing import Final

from drf_spectacular.utils import OpenApiExample

GIVEN: Final = OpenApiExample(
    "Failures to a chat",
    {
        "name": "chat",
        "url": "https://hooks.example.com/etl",
        "events": ["run.failed", "run.recovered"],
        "integrations": [],
    },
    request_only=True,
)
SHOWN_VALUE: Final = {
    "id": 3,
    "name": "chat",
    "url": "https://hooks.example.com/etl",
    "events": ["run.failed", "run.recovered"],
    "integrations": [],
    "is_active": True,
    "disabled_because": "",
    "failures": 0,
    "failing_since": None,
    "succeeded_at": "2026-01-02T03:04:05Z",
    "former_secret_until": None,
    "created_at": "2026-01-01T00:00:00Z",
    "updated_at": "2026-01-01T00:00:00Z",
}
SHOWN: Final = OpenApiExample("A webhook", SHOWN_VALUE, response_only=True)
MADE: Final = OpenApiExample(
    "A new webhook", {**SHOWN_VALUE, "secret": "whsec_told-this-once"}, response_only=True
)
ROTATED: Final = OpenApiExample(
    "Another secret",
    {"secret": "whsec_told-this-once", "former_secret_until": "2026-01-03T03:04:05Z"},
    response_only=True,
)
NOTICE: Final = OpenApiExample(
    "A run that failed",
    {
        "id": 11,
        "event": "run.failed",
        "title": "Run 42 of jira failed",
        "key": "run.failed:42:2026-01-02T03:04:05+00:00",
        "integration": 7,
        "payload": {
            "run": {"id": 42, "mode": "incremental", "state": "failed", "error": "…"},
            "integration": {"id": 7, "name": "jira", "provider": "jira"},
        },
        "occurred_at": "2026-01-02T03:04:05Z",
    },
    response_only=True,
)
DELIVERY_VALUE: Final = {
    "id": 12,
    "notice": 11,
    "event": "run.failed",
    "webhook": 3,
    "user": None,
    "message_id": "msg_5f1c0a",
    "state": "delivered",
    "attempts": 1,
    "next_at": "2026-01-02T03:04:05Z",
    "status": 204,
    "error": "",
    "created_at": "2026-01-02T03:04:05Z",
    "ended_at": "2026-01-02T03:04:06Z",
}
DELIVERY: Final = OpenApiExample("Delivered", DELIVERY_VALUE, response_only=True)
DELIVERY_IN_FULL: Final = OpenApiExample(
    "Delivered",
    {
        **DELIVERY_VALUE,
        "body": '{"data":{},"timestamp":"2026-01-02T03:04:05Z","type":"run.failed"}',
        "tries": [
            {
                "number": 1,
                "began_at": "2026-01-02T03:04:05Z",
                "ended_at": "2026-01-02T03:04:06Z",
                "milliseconds": 84,
                "is_delivered": True,
                "status": 204,
                "answer": "",
                "error": "",
            }
        ],
    },
    response_only=True,
)
