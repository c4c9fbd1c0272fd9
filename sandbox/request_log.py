"""What was asked of the servers, counted by kind."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

_KEPT = 20_000


@dataclass(frozen=True)
class Entry:
    """One request. at: real time in seconds since 1970; path: with the system and the query.

    asked: a digest of its body, empty without one.
    """

    at: float
    system: str
    method: str
    path: str
    kind: str
    status: int
    account: str
    asked: str = ""


class RequestLog:
    """Counts of all requests, and the newest of them one by one."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=_KEPT)
        self._counts: Counter[tuple[str, str, str, int]] = Counter()

    def add(self, entry: Entry) -> None:
        """Count a request that was answered, or cut off."""
        self._entries.append(entry)
        self._counts[entry.system, entry.kind, entry.account, entry.status] += 1

    def clear(self) -> None:
        """Begin to count anew."""
        self._entries.clear()
        self._counts.clear()

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield the newest requests, oldest first."""
        return (asdict(entry) for entry in self._entries)

    def counts(self) -> dict[str, Any]:
        """Return the counts: in all, by system and kind, by account, by status."""
        kinds: dict[str, Counter[str]] = {}
        accounts: dict[str, Counter[str]] = {}
        statuses: Counter[str] = Counter()
        for (system, kind, account, status), count in self._counts.items():
            kinds.setdefault(system, Counter())[kind] += count
            accounts.setdefault(account, Counter())[kind] += count
            statuses[str(status)] += count
        return {
            "total": self._counts.total(),
            "kinds": {name: dict(sorted(each.items())) for name, each in sorted(kinds.items())},
            "accounts": {n: dict(sorted(each.items())) for n, each in sorted(accounts.items())},
            "statuses": dict(sorted(statuses.items())),
        }
