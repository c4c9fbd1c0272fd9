"""Shows that memory does not grow with the size of an import: fails if it does.

    python benchmarks/memory.py [--small 20000] [--large 100000]

Imports two generated recordings on the embedded default, each into a new database, and compares
the highest resident memory of the process, which is extractor, worker and scheduler in one.
"""

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from our_path import ROOT
from processes import BenchError, run

ALLOWED_GROWTH = 1.3
_SERVERS = ("DATABASE_URL", "BROKER_URL", "RABBITMQ_URL", "RABBITMQ_HOST", "CHANNEL_LAYER_URL")


def peak_megabytes(items: int, work: Path) -> float:
    """Import so many work items into a new database; return the peak memory in MB."""
    recording = work / "recording"
    manage = (sys.executable, "manage.py")
    env = {"VAR_DIR": str(work / "var"), "SECRET_KEY": "memory-benchmark"}
    make = (*manage, "make_recording", str(recording), "--items", str(items))
    run((*make, "--lean", "--jira-only"), env, ROOT)
    run((*manage, "migrate", "-v0"), env, ROOT)
    imported = run(
        (*manage, "import_raw", str(recording), "--tenant", "memory", "--create", "--json"),
        env,
        ROOT,
    )
    print(f"{items:>9,} work items: {imported.peaks.largest:6.0f} MB, {imported.seconds:5.0f} s")
    return imported.peaks.largest


def main() -> int:
    parser = argparse.ArgumentParser(description="Compare the peak memory of two imports.")
    parser.add_argument("--small", type=int, default=20_000)
    parser.add_argument("--large", type=int, default=100_000)
    chosen = parser.parse_args()
    for name in _SERVERS:
        os.environ.pop(name, None)
    peaks = []
    for items in (chosen.small, chosen.large):
        work = Path(tempfile.mkdtemp(prefix="etl-memory-"))
        try:
            peaks.append(peak_megabytes(items, work))
        except BenchError as error:
            print(error, file=sys.stderr)
            return 1
        finally:
            shutil.rmtree(work)
    growth = peaks[1] / peaks[0]
    print(f"growth {growth:.2f}, allowed {ALLOWED_GROWTH}")
    return int(growth > ALLOWED_GROWTH)


if __name__ == "__main__":
    sys.exit(main())
