"""What the sweeper does now and then: no step of it waits for another that fails."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from jobs import conductor, schedule, sweeper
from notices.models import Notice
from tenants.scope import every_tenant
from tests.loglines import kept_lines
from tests.notices.world import new_tenant, told

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def faulty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let two of the steps fail."""
    monkeypatch.setattr(sweeper, "sweep", failing("one"))
    monkeypatch.setattr(schedule, "prune", failing("two"))


def failing(name: str) -> Callable[..., Any]:
    """Return a step that fails."""

    def step() -> None:
        raise ZeroDivisionError(name)

    return step


def test_steps_that_fail_are_logged_and_keep_no_later_one_from_being_done() -> None:
    told(new_tenant(), occurred_at=timezone.now() - timedelta(days=1000))
    with kept_lines() as lines:
        failures = conductor.mend(schedule.refuse)
    assert [str(each) for each in failures] == ["one", "two"]
    assert str(lines).count("ZeroDivisionError: ") >= 2, "with their traces"
    with every_tenant("test"):
        assert not Notice.objects.exists()


def test_the_scheduler_that_runs_once_says_what_it_could_not_do(settings: Settings) -> None:
    settings.BROKER_URL = "amqp://127.0.0.1:9"
    with pytest.raises(CommandError, match=r"not everything could be done.*one.*two"):
        call_command("scheduler", once=True)
