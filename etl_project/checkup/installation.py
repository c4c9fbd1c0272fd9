"""Checks of this checkout and this machine: Python, packages, settings, files, disk."""

import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Final

from django.conf import settings
from django.contrib.staticfiles import finders
from django.template import TemplateDoesNotExist
from django.template.loader import get_template

from etl_project.checkup.database import is_sqlite
from etl_project.checkup.finding import Finding, ok, problem, warning

OLDEST_PYTHON: Final = (3, 11)
SHORTEST_KEY: Final = 32
LITTLE_BYTES: Final = 2 * 1024**3
TOO_LITTLE_BYTES: Final = 200 * 1024**2

_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==([^\s;]+)")
_THIS_MACHINE: Final = ("", "localhost", "127.0.0.1", "::1")
_TEMPLATES: Final = ("admin/dashboard.html", "jobs/run.html", "unfold/layouts/skeleton.html")
_STATIC: Final = ("etl/etl.css", "etl/run.js", "unfold/css/styles.css")


def python() -> Iterator[Finding]:
    """Check the version of Python."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info < OLDEST_PYTHON:
        yield problem("python", f"Python {found} is too old", "use 3.11 or newer: make setup")
    else:
        yield ok("python", f"Python {found}")


def packages() -> Iterator[Finding]:
    """Check that the packages of requirements.txt are there, in the pinned versions."""
    pins = _pins()
    installed = {name: _installed(name) for name in pins}
    missing = [name for name, found in installed.items() if found is None]
    others = [
        f"{name} {found} instead of {pins[name]}"
        for name, found in installed.items()
        if found not in (None, pins[name])
    ]
    remedy = "run `make setup`, or `pip install -r requirements.txt`"
    if missing:
        yield problem("packages", f"not installed: {', '.join(missing)}", remedy)
    if others:
        yield warning("packages", f"not as pinned: {', '.join(others)}", remedy)
    if not missing and not others:
        yield ok("packages", f"{len(pins)} packages as pinned, Django {installed.get('django')}")


def _pins() -> dict[str, str]:
    lines = (settings.BASE_DIR / "requirements.txt").read_text().splitlines()
    return {pin[1]: pin[2] for line in lines if (pin := _PIN.match(line))}


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def environment() -> Iterator[Finding]:
    """Check the settings that make an installation safe to show to others."""
    found = [*_secret_key(), *_hosts()]
    if settings.DEBUG and not is_sqlite():
        found.append(
            warning("settings", "DEBUG is on with a server database", "set DEBUG=false for others")
        )
    if settings.BROKER_URL and is_sqlite():
        found.append(
            warning(
                "settings",
                "a broker with SQLite: workers of several machines cannot share its file",
                "set DATABASE_URL=postgres://… for workers of their own",
            )
        )
    yield from found or [ok("settings", "secret key and allowed hosts are in order")]


def _secret_key() -> Iterator[Finding]:
    how = "set SECRET_KEY to at least 50 random characters, the same for every process"
    if is_sqlite() or settings.DEBUG:
        return
    if not settings.SECRET_KEY_GIVEN and settings.DATABASES["default"]["HOST"] in _THIS_MACHINE:
        told = "SECRET_KEY is not set: processes of this machine share the one kept in VAR_DIR"
        yield warning("settings", told, how)
    elif not settings.SECRET_KEY_GIVEN:
        yield problem("settings", "SECRET_KEY is not set, so each machine makes its own", how)
    elif len(settings.SECRET_KEY) < SHORTEST_KEY:
        yield problem("settings", "SECRET_KEY is short enough to be guessed", how)


def _hosts() -> Iterator[Finding]:
    if "*" not in settings.ALLOWED_HOSTS:
        return
    told = 'ALLOWED_HOSTS is "*": any site may open the WebSocket in a user\'s name'
    remedy = "set ALLOWED_HOSTS to the names of the site, comma-separated"
    yield warning("settings", told, remedy) if settings.DEBUG else problem("settings", told, remedy)


def files() -> Iterator[Finding]:
    """Check that templates and static files are found."""
    missing = [name for name in _TEMPLATES if not _has_template(name)]
    missing += [name for name in _STATIC if finders.find(name) is None]
    if missing:
        remedy = "this is no whole checkout, or `make setup` has not run in it"
        yield problem("files", f"not found: {', '.join(missing)}", remedy)
    else:
        yield ok("files", "templates and static files are found")


def _has_template(name: str) -> bool:
    try:
        get_template(name)
    except TemplateDoesNotExist:
        return False
    return True


def disk() -> Iterator[Finding]:
    """Check that VAR_DIR can be written and has room."""
    place = settings.VAR_DIR
    try:
        with tempfile.TemporaryFile(dir=place):
            pass
    except OSError as error:
        remedy = "give this user the right to write there, or set VAR_DIR"
        yield problem("disk", f"{place} cannot be written: {error.strerror}", remedy)
        return
    free = shutil.disk_usage(place).free
    told = f"{free / 1024**3:.1f} GiB free in {place}"
    remedy = "make room, or set VAR_DIR to another disk"
    if free < TOO_LITTLE_BYTES:
        yield problem("disk", told, remedy)
    elif free < LITTLE_BYTES:
        yield warning("disk", told, remedy)
    else:
        yield ok("disk", told)
