"""dlt as a contestant, in a virtual environment of its own: never among our requirements."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

from processes import BenchError, Finished, run

VERSION = "1.31.0"
_PACKAGES = (
    f"dlt[postgres]=={VERSION}",
    "pyarrow",
    "adbc-driver-manager",
    "adbc-driver-postgresql",
)
_PIPELINE = Path(__file__).resolve().parent / "dlt_pipeline.py"


def install(directory: Path) -> Path:
    """Return the Python of dlt's environment, made on first use; raise BenchError."""
    python = directory / "bin" / "python"
    ready = directory / f"ready-{VERSION}"
    if ready.exists():
        return python
    for command in (
        (sys.executable, "-m", "venv", "--clear", str(directory)),
        (str(python), "-m", "pip", "install", "--quiet", *_PACKAGES),
    ):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            words = "\n".join(done.stderr.strip().splitlines()[-4:])
            raise BenchError(
                f"dlt {VERSION} cannot be installed; --without-dlt leaves it out:\n{words}"
            )
    ready.touch()
    return python


def load(python: Path, mode: str, issues: Path, url: str, work: Path) -> tuple[float, Finished]:
    """Load the work items with dlt; return its own seconds and how its process went.

    mode: `default` or `best`. work: a directory that dlt may fill.
    """
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    command = (str(python), str(_PIPELINE), mode, str(issues), _with_password(url), str(work))
    # It looks for settings in the directory that it runs in.
    done = run(command, {"RUNTIME__DLTHUB_TELEMETRY": "false"}, work)
    return float(json.loads(done.output.strip().splitlines()[-1])["seconds"]), done


def _with_password(url: str) -> str:
    """Return the address as dlt takes it: it insists on a password, needed or not."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    password = parts.password or "unused"
    netloc = f"{parts.username or 'postgres'}:{password}@{host}"
    return parts._replace(scheme="postgresql", netloc=netloc).geturl()
