"""What Locust asks of the API: run by benchmarks/api.py in an environment of Locust's own.

The file that API_LOAD names has the header to send, the rate, and paths by the kind of request.
Requests are sent at fixed times, whether those before are answered or not, and what one takes is
counted from when it was to be sent: a server that is late is late for all who wait.
"""

import json
import os
import random
import time
from pathlib import Path
from typing import Any

import gevent  # type: ignore[import-untyped]
from locust import FastHttpUser, task  # type: ignore[import-not-found]

GIVEN = json.loads(Path(os.environ["API_LOAD"]).read_text())
SHARES = {"list": 5, "filtered": 5, "deep": 3, "detail": 7}
"""Of twenty requests so many are of the kind."""


class Readers(FastHttpUser):  # type: ignore[misc]
    """All readers together."""

    concurrency = 1000
    fixed_count = 1

    def on_start(self) -> None:
        """Begin."""
        self.begun = time.perf_counter()
        self.sent = 0
        self.random = random.Random(1)

    @task  # type: ignore[untyped-decorator]
    def send(self) -> None:
        """Send the next request when it is due."""
        due = self.begun + self.sent / GIVEN["rate"]
        self.sent += 1
        kind = self.random.choices(list(SHARES), list(SHARES.values()))[0]
        path = self.random.choice(GIVEN["paths"][kind])
        gevent.sleep(max(due - time.perf_counter(), 0))
        gevent.spawn(self.ask, kind, path, due)

    def ask(self, kind: str, path: str, due: float) -> None:
        """Ask for a path, and report what it took since it was due."""
        headers = {"Authorization": f"Bearer {GIVEN['token']}"}
        answered: Any = self.client.get(path, name=kind, headers=headers, catch_response=True)
        with answered as answer:
            answer.request_meta["response_time"] = (time.perf_counter() - due) * 1000
