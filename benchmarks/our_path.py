"""Our own path as a contestant: `import_raw` with its queue, its scheduler and its workers."""

import json
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from processes import BenchError, Peaks, run, service, watched
from services import has_consumers

ROOT = Path(__file__).resolve().parent.parent
WORKERS = 2
_READY_SECONDS = 60


@dataclass(frozen=True)
class Imported:
    """How an import went. seconds: of its run; process_seconds: with the interpreter's start."""

    seconds: float
    process_seconds: float
    peaks: dict[str, Peaks]


def migrate(env: dict[str, str]) -> None:
    """Make the tables in the new database, which is no part of what is measured."""
    run(manage("migrate", "--verbosity", "0"), env, ROOT)


def load(recording: Path, database_url: str, broker_url: str | None, work: Path) -> Imported:
    """Import the recording into a new database; without a broker, in one process."""
    work.mkdir(parents=True, exist_ok=True)
    env = {
        "DATABASE_URL": database_url,
        "BROKER_URL": broker_url or "",
        "CHANNEL_LAYER_URL": "",
        "VAR_DIR": str(work),
    }
    migrate(env)
    peaks: dict[str, Peaks] = {}
    with ExitStack() as stack:
        if broker_url is not None:
            for name, arguments in (
                ("scheduler", ("scheduler",)),
                ("workers", ("worker", "--processes", str(WORKERS))),
            ):
                log = work / f"{name}.log"
                process = stack.enter_context(service(manage(*arguments), env, ROOT, log))
                peaks[name] = stack.enter_context(watched(process))
            await_consumers(broker_url, work / "workers.log")
        command = manage("import_raw", str(recording), "--tenant", "bench", "--create", "--json")
        done = run(command, env, ROOT)
    peaks["import_raw"] = done.peaks
    return Imported(_own_seconds(done.output), done.seconds, peaks)


def await_consumers(broker_url: str, log: Path) -> None:
    """Wait until workers listen, so that their start is not measured; log: of the workers."""
    deadline = time.monotonic() + _READY_SECONDS
    while not has_consumers(broker_url):
        if time.monotonic() > deadline:
            words = log.read_text()[-800:]
            raise BenchError(f"No worker listens after {_READY_SECONDS} s:\n{words}")
        time.sleep(0.5)


def _own_seconds(output: str) -> float:
    """Return how long the runs took by the command's own report, from first to last."""
    runs = json.loads(output)["runs"]
    return float(max(run["seconds"] for run in runs))


def manage(*arguments: str) -> tuple[str, ...]:
    """Return a management command as one that can be run."""
    return (sys.executable, str(ROOT / "manage.py"), *arguments)
