"""What there is to tell: the events of notices."""

from typing import Final

from django.db import models


class Event(models.TextChoices):
    """What a notice is about."""

    RUN_FINISHED = "run.finished", "A run finished"
    RUN_FAILED = "run.failed", "A run failed"
    RUN_RECOVERED = "run.recovered", "A run finished after one that failed"
    VALUES_UNMAPPED = "values.unmapped", "Types or statuses came that no rule maps"
    CREDENTIALS_EXPIRING = "credentials.expiring", "Credentials are about to expire"
    WEBHOOK_DISABLED = "webhook.disabled", "A webhook switched itself off"
    PING = "ping", "A test"


CHOSEN: Final = tuple((event.value, event.label) for event in Event if event is not Event.PING)
"""Those that people choose from; a test goes to the one webhook that is tested."""
