"""Starts the site of `tests.api.serve`, and stops it."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = ROOT / "docs" / "openapi.yaml"
_SERVERS = ("DATABASE_URL", "BROKER_URL", "RABBITMQ_URL", "RABBITMQ_HOST", "CHANNEL_LAYER_URL")
_RATES = ("USER", "TENANT", "ADDRESS", "AUTH", "DELIVERY", "TEST", "DISCOVER")


@dataclass(frozen=True)
class Site:
    """A site that runs. tokens: by role, of one tenant. log: what it has said."""

    address: str
    tokens: dict[str, str]
    log: Path


@contextmanager
def served(directory: Path) -> Iterator[Site]:
    """Serve the site, without servers and limits, until the end of the block."""
    given = {name: value for name, value in os.environ.items() if name not in _SERVERS}
    given |= {"VAR_DIR": str(directory), **{f"API_RATE_{name}": "0" for name in _RATES}}
    port = _free_port()
    log = directory / "site.log"
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.api.serve", str(port)],
        cwd=ROOT,
        env=given,
        stdout=subprocess.PIPE,
        stderr=log.open("ab"),
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, log.read_text()[-3000:]
        told = json.loads(line)
        _wait(f"{told['address']}/healthz")
        yield Site(told["address"], told["tokens"], log)
    finally:
        process.terminate()
        process.wait(30)


def _free_port() -> int:
    with closing(socket.socket()) as any_port:
        any_port.bind(("127.0.0.1", 0))
        port: int = any_port.getsockname()[1]
        return port


def _wait(address: str) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except urllib.error.URLError:
            assert time.monotonic() < deadline, f"{address} does not answer"
            time.sleep(0.05)
