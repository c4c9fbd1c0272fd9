"""The request budget of a credential: one row a scope, shared by all workers that use it.

Budgets belong to no tenant: the source counts the requests of a credential, whoever sends them.
Each call is a statement or two of their own; none belongs inside a caller's transaction, where
the other workers would not see it.
"""

from datetime import datetime, timedelta
from typing import Any, Final, NoReturn

from django.db import connection
from django.utils import timezone

from common.errors import WaitError
from common.retry_after import LONGEST_WAIT_SECONDS
from integrations.models import RequestBudget

PLENTY: Final = 200
"""With more requests left than that, they are not counted one by one: workers on the way at the
same time are fewer."""

QUOTA_USED_UP: Final = "the request quota is used up"
# Two answers of one window may name ends that differ by a few seconds.
_SAME_WINDOW: Final = timedelta(seconds=60)
_TRIES: Final = 5

_HOLD: Final = """
INSERT INTO request_budgets AS b (key, scope, held_until, reason, updated_at)
VALUES (%(key)s, %(scope)s, %(until)s, %(reason)s, %(now)s)
ON CONFLICT (key, scope) DO UPDATE SET held_until = excluded.held_until,
    reason = excluded.reason, updated_at = excluded.updated_at
WHERE b.held_until IS NULL OR b.held_until < excluded.held_until
"""

_NEW_WINDOW: Final = "b.resets_at IS NULL OR b.resets_at <= %(now)s OR b.resets_at < %(later)s"
_NOTE: Final = f"""
INSERT INTO request_budgets AS b (key, scope, reason, remaining, resets_at, updated_at)
VALUES (%(key)s, %(scope)s, '', %(remaining)s, %(resets_at)s, %(now)s)
ON CONFLICT (key, scope) DO UPDATE SET
    remaining = CASE WHEN {_NEW_WINDOW} OR b.remaining > excluded.remaining
        THEN excluded.remaining ELSE b.remaining END,
    resets_at = CASE WHEN {_NEW_WINDOW} THEN excluded.resets_at ELSE b.resets_at END,
    updated_at = excluded.updated_at
"""

_TAKE: Final = """
UPDATE request_budgets SET remaining = remaining - 1
WHERE key = %(key)s AND scope IN ('', %(scope)s) AND resets_at > %(now)s AND remaining > 0
"""

# Written out, for each request asks it: the ORM takes longer than the database.
_STATE: Final = """
SELECT COALESCE(SUM(CASE WHEN held_until > %(now)s OR (resets_at > %(now)s AND remaining <= 0)
    THEN 1 ELSE 0 END), 0), COALESCE(SUM(CASE WHEN resets_at > %(now)s THEN 1 ELSE 0 END), 0)
FROM request_budgets WHERE key = %(key)s AND scope IN ('', %(scope)s)
"""

_SPENT: Final = """
SELECT COUNT(*) FROM request_budgets
WHERE key = %(key)s AND scope = %(scope)s AND resets_at > %(now)s AND resets_at < %(later)s
"""

# Holds on their way into the table, which may have to wait for other writers: the threads of this
# process heed them at once.
_ANNOUNCED: Final[dict[tuple[str, str], tuple[datetime, str]]] = {}

# A crash may forget the last requests that were counted; waiting for the disk would cost more.
_UNSYNCED: Final = {"postgresql": "SET LOCAL synchronous_commit = off; "}


class SharedBudget:
    """Implements `common.http.Budget` on the table of budgets."""

    def __init__(self, key: str) -> None:
        self.key = key

    def take(self, scope: str) -> None:
        """Take one request of the scope; raise WaitError while it must not be sent."""
        for _ in range(_TRIES):
            now = timezone.now()
            for place in {"", scope}:
                if announced := _ANNOUNCED.get((self.key, place)):
                    _raise_wait(*announced, now)
            blocking, counting = self._read(_STATE, scope, now)
            if blocking:
                self._wait(scope, now)
            elif not counting or self._execute(_TAKE, scope, now) == counting:
                return
            # What blocked is over, or somebody took the last one in between: look again.
        raise WaitError(f"many workers ask at once: {QUOTA_USED_UP}", 1.0)

    def _wait(self, scope: str, now: datetime) -> None:
        rows = RequestBudget.objects.filter(key=self.key, scope__in={"", scope})
        found = [waits for row in rows if (waits := _waits(row, now))]
        if found:
            _raise_wait(*max(found), now)

    def hold(self, seconds: float, reason: str, scope: str = "") -> None:
        """Let nobody send a request of the scope (empty: of any) for so long, at most an hour.

        A longer hold that is there already stays.
        """
        now = timezone.now()
        until = now + timedelta(seconds=min(max(seconds, 0.0), LONGEST_WAIT_SECONDS))
        reason, place = reason[:500], (self.key, scope)
        _ANNOUNCED[place] = until, reason
        try:
            self._execute(_HOLD, scope, now, until=_moment(until), reason=reason)
        finally:
            _ANNOUNCED.pop(place, None)

    def note(self, remaining: int, resets_at: datetime, scope: str = "") -> None:
        """Note how many requests of the scope the source says are left until when.

        Within a window the count only falls, so that answers may come in any order.
        """
        now = timezone.now()
        resets_at = min(resets_at, now + timedelta(seconds=LONGEST_WAIT_SECONDS))
        later = resets_at - _SAME_WINDOW
        if resets_at <= now or (remaining > PLENTY and not self._is_spent(scope, now, later)):
            return
        self._execute(
            _NOTE,
            scope,
            now,
            remaining=max(remaining, 0),
            resets_at=_moment(resets_at),
            later=_moment(later),
        )

    def _is_spent(self, scope: str, now: datetime, later: datetime) -> bool:
        """Tell whether the row counts a window that is over by what the source says now."""
        return self._read(_SPENT, scope, now, later=_moment(later))[0] > 0

    def _read(self, sql: str, scope: str, now: datetime, **values: Any) -> tuple[int, ...]:
        with connection.cursor() as cursor:
            cursor.execute(sql, {"key": self.key, "scope": scope, "now": _moment(now), **values})
            return tuple(cursor.fetchone())

    def _execute(self, sql: str, scope: str, now: datetime, **values: Any) -> int:
        sql = _UNSYNCED.get(connection.vendor, "") + sql
        with connection.cursor() as cursor:
            cursor.execute(sql, {"key": self.key, "scope": scope, "now": _moment(now), **values})
            return int(cursor.rowcount)


def _raise_wait(until: datetime, reason: str, now: datetime) -> NoReturn:
    told = f"waiting until {until:%H:%M:%S} UTC: {reason}"
    raise WaitError(told, (until - now).total_seconds())


def _moment(at: datetime) -> Any:
    return connection.ops.adapt_datetimefield_value(at)


def _waits(row: RequestBudget, now: datetime) -> tuple[datetime, str] | None:
    """Return until when and why a row lets no request through, None if it does."""
    if row.held_until is not None and row.held_until > now:
        return row.held_until, row.reason
    if row.resets_at is not None and row.resets_at > now and row.remaining == 0:
        return row.resets_at, QUOTA_USED_UP
    return None


def waiting(key: str) -> tuple[datetime, str] | None:
    """Return until when some request of the budget has to wait, and why; None if none has to."""
    now = timezone.now()
    found = [_waits(row, now) for row in RequestBudget.objects.filter(key=key)]
    return max((each for each in found if each is not None), default=None)
