"""What a person has to see to, and commands run in the name of those who may."""

import os
import shutil
import subprocess
from collections.abc import Sequence


class TroubleError(Exception):
    """Something is missing or refused; the text says what to do."""


def program(name: str, package: str) -> str:
    """Return where a program is; raise TroubleError that names its Debian package if nowhere."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
    if found is None:
        raise TroubleError(f"{name} is not installed: apt-get install {package}")
    return found


def run_as(user: str, command: Sequence[str], text: str = "") -> str:
    """Run a command as a user of this machine, by root's right or by sudo; return what it prints.

    text: its standard input. Raises TroubleError with what it says when it fails.
    """
    done = subprocess.run(  # noqa: S603
        [*_prefix(user), *command],
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        cwd="/",
    )
    if done.returncode:
        said = (done.stderr or done.stdout).strip() or f"exit code {done.returncode}"
        raise TroubleError(f"`{' '.join(command)}` as {user}: {said}")
    return done.stdout


def _prefix(user: str) -> list[str]:
    if os.geteuid() == 0:
        return [] if user == "root" else [program("runuser", "util-linux"), "-u", user, "--"]
    return [program("sudo", "sudo"), "-u", user, "--"]
