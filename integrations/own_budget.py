"""The limit that people set to how often an integration asks its source, beside the source's own.

Its window is an hour from the first request in it; what is left is a row of the budgets, so that
all workers share it.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from common.errors import WaitError
from integrations.budget import SharedBudget
from integrations.models import RequestBudget

WINDOW: Final = timedelta(hours=1)

_TAKE: Final = """
INSERT INTO request_budgets AS b (key, scope, reason, remaining, resets_at, updated_at)
VALUES (%(key)s, '', '', %(limit)s - 1, %(end)s, %(now)s)
ON CONFLICT (key, scope) DO UPDATE SET
    remaining = CASE WHEN b.resets_at <= %(now)s THEN excluded.remaining ELSE b.remaining - 1 END,
    resets_at = CASE WHEN b.resets_at <= %(now)s THEN excluded.resets_at ELSE b.resets_at END,
    updated_at = excluded.updated_at
WHERE b.resets_at <= %(now)s OR b.remaining > 0
"""


_GIVE_BACK: Final = """
UPDATE request_budgets SET remaining = remaining + 1
WHERE key = %(key)s AND scope = '' AND resets_at > %(now)s AND remaining < %(limit)s
"""


class OwnBudget(SharedBudget):
    """The budget of a credential, and before it what was set for one integration.

    per_hour: None for no limit of ours. before_request: may raise, so that nothing is asked.
    """

    def __init__(
        self,
        key: str,
        integration_id: int,
        per_hour: int | None,
        before_request: Callable[[], None] | None = None,
    ) -> None:
        super().__init__(key)
        self._own_key = own_key(integration_id)
        self._per_hour = per_hour
        self._before_request = before_request

    def take(self, scope: str) -> None:
        """Take one request of both; raise WaitError while it must not be sent."""
        if self._before_request is not None:
            self._before_request()
        if self._per_hour is not None:
            self._take_own(self._per_hour)
        try:
            super().take(scope)
        except WaitError:
            self._give_back()
            raise

    def _take_own(self, limit: int) -> None:
        now = timezone.now()
        moment = connection.ops.adapt_datetimefield_value
        values: dict[str, Any] = {"key": self._own_key, "limit": limit}
        values |= {"now": moment(now), "end": moment(now + WINDOW)}
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, values)
            if cursor.rowcount:
                return
        row = RequestBudget.objects.get(key=self._own_key, scope="")
        assert row.resets_at is not None  # written with every count
        until = row.resets_at
        told = f"held to {limit:,} requests an hour"
        raise WaitError(
            f"waiting until {until:%H:%M:%S} UTC: {told}", max(0.0, (until - now).total_seconds())
        )

    def _give_back(self) -> None:
        """Count one request less, which the source's own limit kept from being sent."""
        if self._per_hour is None:
            return
        now = connection.ops.adapt_datetimefield_value(timezone.now())
        values = {"key": self._own_key, "now": now, "limit": self._per_hour}
        with connection.cursor() as cursor:
            cursor.execute(_GIVE_BACK, values)


def own_key(integration_id: int) -> str:
    """Return the key under which the budgets count what an integration asks."""
    return f"own:{integration_id}"


def forget_count(integration_id: int) -> None:
    """Begin a new window, as the limit was changed."""
    RequestBudget.objects.filter(key=own_key(integration_id)).delete()
