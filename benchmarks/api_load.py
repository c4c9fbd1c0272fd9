"""What Locust asks of the API: run by benchmarks/api.py in an environment of Locust's own.

The file that API_LOAD names has the header to send, and paths by the kind of request.
"""

import json
import os
import random
from pathlib import Path

from locust import (  # type: ignore[import-not-found]
    FastHttpUser,
    constant_throughput,
    task,
)

GIVEN = json.loads(Path(os.environ["API_LOAD"]).read_text())
SHARES = {"list": 5, "filtered": 5, "deep": 3, "detail": 7}
"""Of twenty requests so many are of the kind."""


class Reader(FastHttpUser):  # type: ignore[misc]
    """Asks once a second, whatever the answers take."""

    wait_time = constant_throughput(1)

    @task  # type: ignore[untyped-decorator]
    def ask(self) -> None:
        """Ask for one of the paths."""
        kind = random.choices(list(SHARES), list(SHARES.values()))[0]
        path = random.choice(GIVEN["paths"][kind])
        self.client.get(path, name=kind, headers={"Authorization": f"Bearer {GIVEN['token']}"})
