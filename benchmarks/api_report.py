"""What benchmarks/api.py has measured, what it may be, and how it is told."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Final

from api_server import WORKERS

RATE: Final = 50
LEAST_RATE: Final = 49
"""So many a second have to be answered: what is still waiting at the end has no time."""
MOST_MS: Final = {"list": 150, "filtered": 150, "deep": 150, "detail": 50}
MOST_RATIO: Final = 1.5


@dataclass
class Figures:
    """Milliseconds of one kind of request, each counted from when it was to be sent."""

    kind: str
    requests: int
    failures: int
    median: float
    p95: float
    p99: float

    def is_missed(self) -> bool:
        """Whether it took longer than it may."""
        return bool(self.failures) or self.p95 > MOST_MS[self.kind]


@dataclass
class Loaded:
    """What was measured under load. web, database: milliseconds of processors a request.

    rate: answers a second. busy: per cent of the time of all processors.
    """

    figures: list[Figures]
    rate: float
    web: float
    database: float | None
    busy: float


@dataclass
class Turns:
    """Milliseconds of a first page, a deep one, and one item, asked for one at a time."""

    first: float
    deep: float
    one: float

    @property
    def ratio(self) -> float:
        """What the deep page takes, in first ones."""
        return self.deep / self.first


def figures_of(stats: dict[str, Any]) -> Figures:
    """Return the figures of one kind of what Locust says."""
    times = sorted((float(ms), count) for ms, count in stats["response_times"].items())
    return Figures(
        stats["name"],
        stats["num_requests"],
        stats["num_failures"],
        *(_percentile(times, share) for share in (0.5, 0.95, 0.99)),
    )


def _percentile(times: list[tuple[float, int]], share: float) -> float:
    left = share * sum(count for _, count in times)
    for milliseconds, count in times:
        left -= count
        if left <= 0:
            return milliseconds
    return times[-1][0]


def tell(items: int, seconds: int, loaded: Loaded, ours: Turns, rival: Turns) -> int:
    """Print what was measured; return the exit code, 1 if anything missed what it may take."""
    print(
        f"\n{'request':<12}{'requests':>10}{'failed':>8}{'median':>9}{'p95':>8}{'p99':>8}{'may':>8}"
    )
    for each in loaded.figures:
        row = f"{each.kind:<12}{each.requests:>10,}{each.failures:>8}"
        print(f"{row}{each.median:>9.0f}{each.p95:>8.0f}{each.p99:>8.0f}{MOST_MS[each.kind]:>8}")
    database = "–" if loaded.database is None else f"{loaded.database:.1f} ms"
    print(f"\n{loaded.rate:.1f} requests a second were answered, of {RATE}")
    print(f"processor time a request: web {loaded.web:.1f} ms, PostgreSQL {database}")
    print(f"all processors were busy for {loaded.busy:.0f}% of the time")
    print(f"\n{'one at a time':<16}{'page 1':>10}{'deep page':>12}{'times':>8}{'one item':>11}")
    for name, took in (("ours", ours), ("the rival", rival)):
        row = f"{name:<16}{took.first:>7.1f} ms{took.deep:>9.1f} ms{took.ratio:>8.2f}"
        print(f"{row}{took.one:>8.1f} ms")
    print(f"our deep page may take {MOST_RATIO} times what our page 1 does")
    is_missed = (
        any(each.is_missed() for each in loaded.figures)
        or loaded.rate < LEAST_RATE
        or ours.ratio > MOST_RATIO
    )
    found = {
        "items": items,
        "seconds": seconds,
        "workers": WORKERS,
        "loaded": asdict(loaded),
        "ours": asdict(ours),
        "rival": asdict(rival),
        "is_missed": is_missed,
    }
    print(json.dumps(found))
    return int(is_missed)
