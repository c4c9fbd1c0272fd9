"""Commands outlive a database that is away for a while, and end honestly if it stays away."""

import pytest
from django.core.management.base import CommandError
from django.db import OperationalError

from jobs import patience


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "_LOOK_EVERY_SECONDS", 0.01)


@pytest.mark.django_db(transaction=True)
def test_what_cannot_be_done_without_the_database_is_done_when_it_is_back() -> None:
    tried: list[int] = []

    def do() -> str:
        tried.append(1)
        if len(tried) < 3:
            raise OperationalError("the database system is starting up")
        return "done"

    assert patience.patiently(do) == "done"


@pytest.mark.django_db(transaction=True)
def test_a_database_that_stays_away_is_an_error_that_says_what_becomes_of_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(patience, "PATIENCE_SECONDS", 0.05)

    def do() -> None:
        raise OperationalError("connection refused")

    with pytest.raises(CommandError, match="connection refused") as raised:
        patience.patiently(do)
    assert raised.value.returncode == 1
    assert "Workers go on with it" in str(raised.value)


def test_what_cannot_even_begin_is_an_error_without_a_traceback() -> None:
    with (
        pytest.raises(CommandError, match=r"nothing was begun: terminated$") as raised,
        patience.beginning(),
    ):
        raise OperationalError("terminated\nby an administrator")
    assert raised.value.returncode == 1
