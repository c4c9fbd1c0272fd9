"""One budget for all who use a credential: held, counted, exact."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from common.errors import WaitError
from integrations.budget import PLENTY, SharedBudget, waiting
from integrations.models import RequestBudget
from tests.integrations.threads import in_threads

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
Clock = Callable[[datetime], None]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Sets what time it is; NOW at first."""

    def set_to(moment: datetime) -> None:
        monkeypatch.setattr(timezone, "now", lambda: moment)

    set_to(NOW)
    return set_to


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def waits(budget: SharedBudget, scope: str = "") -> WaitError | None:
    """Take a request; return the WaitError if there is one."""
    try:
        budget.take(scope)
    except WaitError as error:
        return error
    return None


def test_a_budget_of_which_nothing_is_known_lets_requests_through(clock: Clock) -> None:
    SharedBudget("k").take("")
    assert waiting("k") is None
    assert not RequestBudget.objects.exists()


def test_a_hold_keeps_every_worker_off_until_its_end(clock: Clock) -> None:
    SharedBudget("k").hold(90, "burst limit")
    waited = waits(SharedBudget("k"), "search")
    assert waited is not None
    assert str(waited) == "waiting until 12:01:30 UTC: burst limit"
    assert waited.retry_after_seconds == 90
    assert waiting("k") == (NOW + seconds(90), "burst limit")
    assert waits(SharedBudget("other")) is None
    clock(NOW + seconds(89.9))
    assert waits(SharedBudget("k"))
    clock(NOW + seconds(90))
    assert waits(SharedBudget("k")) is None
    assert waiting("k") is None


def test_a_hold_of_a_scope_leaves_the_others_alone(clock: Clock) -> None:
    budget = SharedBudget("k")
    budget.hold(30, "burst", "search")
    assert waits(budget, "search")
    assert waits(budget, "issue") is None
    assert waits(budget) is None
    assert waiting("k") == (NOW + seconds(30), "burst")


def test_a_hold_is_never_shortened(clock: Clock) -> None:
    budget = SharedBudget("k")
    budget.hold(300, "long")
    budget.hold(10, "short")
    assert waiting("k") == (NOW + seconds(300), "long")
    budget.hold(600, "longer")
    assert waiting("k") == (NOW + seconds(600), "longer")


def test_a_hold_is_an_hour_at_most_and_never_in_the_past(clock: Clock) -> None:
    SharedBudget("k").hold(999_999_999, "for ever")
    assert waiting("k") == (NOW + seconds(3600), "for ever")
    SharedBudget("j").hold(-5, "past")
    assert waits(SharedBudget("j")) is None


def test_what_is_left_is_counted_down_and_then_waited_for(clock: Clock) -> None:
    budget = SharedBudget("k")
    budget.note(3, NOW + seconds(100), "rest")
    for _ in range(3):
        assert waits(budget, "rest") is None
    waited = waits(budget, "rest")
    assert waited is not None
    assert waited.retry_after_seconds == 100
    assert str(waited) == "waiting until 12:01:40 UTC: the request quota is used up"
    assert waits(budget, "graphql") is None
    clock(NOW + seconds(100))
    assert waits(budget, "rest") is None


def test_a_request_counts_in_its_scope_and_in_the_whole(clock: Clock) -> None:
    budget = SharedBudget("k")
    budget.note(5, NOW + seconds(100))
    budget.note(2, NOW + seconds(100), "rest")
    assert waits(budget, "rest") is None
    assert waits(budget, "rest") is None
    assert waits(budget, "rest")
    assert waits(budget) is None
    assert RequestBudget.objects.get(scope="").remaining == 2


def test_an_older_answer_never_raises_what_is_left(clock: Clock) -> None:
    budget = SharedBudget("k")
    budget.note(5, NOW + seconds(100))
    budget.note(9, NOW + seconds(100))
    budget.note(PLENTY + 1, NOW + seconds(101))
    assert RequestBudget.objects.get().remaining == 5
    budget.note(4, NOW + seconds(99))
    assert RequestBudget.objects.get().remaining == 4


def test_a_new_window_begins_with_what_its_answer_says(clock: Clock) -> None:
    budget = SharedBudget("k")
    budget.note(0, NOW + seconds(100))
    clock(NOW + seconds(101))
    budget.note(50, NOW + seconds(3600))
    row = RequestBudget.objects.get()
    assert (row.remaining, row.resets_at) == (50, NOW + seconds(3600))


@pytest.mark.parametrize("left", [50, PLENTY + 1])
def test_a_source_that_moves_its_window_ahead_is_believed(clock: Clock, left: int) -> None:
    budget = SharedBudget("k")
    budget.note(0, NOW + seconds(100))
    budget.note(left, NOW + seconds(1000))
    assert waits(budget) is None


def test_an_answer_of_a_window_that_is_over_says_nothing(clock: Clock) -> None:
    budget = SharedBudget("k")
    budget.note(0, NOW - seconds(1))
    assert not RequestBudget.objects.exists()


def test_a_reset_in_the_far_future_is_an_hour_away(clock: Clock) -> None:
    SharedBudget("k").note(-3, NOW + timedelta(days=3000))
    waited = waits(SharedBudget("k"))
    assert waited is not None
    assert waited.retry_after_seconds == 3600


def test_plenty_is_not_counted_and_costs_no_write(
    clock: Clock, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    budget = SharedBudget("k")
    budget.note(PLENTY + 1, NOW + seconds(100))
    assert not RequestBudget.objects.exists()
    with django_assert_num_queries(1):
        budget.take("")


def test_the_longest_wait_is_told(clock: Clock) -> None:
    budget = SharedBudget("k")
    budget.hold(10, "burst", "search")
    budget.note(0, NOW + seconds(500), "rest")
    assert waiting("k") == (NOW + seconds(500), "the request quota is used up")


@pytest.mark.django_db(transaction=True)
def test_eight_threads_take_exactly_what_is_left() -> None:
    SharedBudget("k").note(50, timezone.now() + seconds(300), "rest")
    taken = [0] * 8

    def work(number: int) -> None:
        for _ in range(51):
            SharedBudget("k").take("rest")
            taken[number] += 1

    raised = in_threads(8, work)
    assert {type(error) for error in raised} == {WaitError}, raised
    assert sum(taken) == 50
    assert RequestBudget.objects.get().remaining == 0


@pytest.mark.django_db(transaction=True)
def test_eight_threads_that_hold_and_note_leave_the_longest_and_the_least() -> None:
    until = timezone.now() + seconds(3000)

    def work(number: int) -> None:
        for step in range(5):
            SharedBudget("k").hold(100 + number * 10 + step, f"by {number}")
            SharedBudget("k").note(10 + number + step, until)

    assert in_threads(8, work) == [None] * 8
    row = RequestBudget.objects.get()
    assert row.reason == "by 7"
    assert row.remaining == 10


def test_a_hold_counts_in_its_process_while_it_is_still_being_written(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    budget, found = SharedBudget("k"), []

    def write(*arguments: object, **values: object) -> int:
        found.extend([waits(SharedBudget("k"), "search"), waits(SharedBudget("k"), "other")])
        return 1

    monkeypatch.setattr(SharedBudget, "_execute", write)
    budget.hold(30, "burst", "search")
    assert str(found[0]) == "waiting until 12:00:30 UTC: burst"
    assert found[1] is None
    assert waits(budget, "search") is None
