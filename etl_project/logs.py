"""Log lines: structlog's formatter over the standard library's loggers. See docs/logs.md.

Code says `logging.getLogger(__name__)`. Here each event becomes one line, of JSON or for people,
with the trace that is bound where it was said, without secrets, and in characters that forge no
other line.
"""

import logging
import os
import re
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import structlog
from django.core.exceptions import ImproperlyConfigured
from structlog.stdlib import ExtraAdder, ProcessorFormatter

from common.redaction import KNOWN
from common.tracing import current_fields
from etl_project.secret_settings import configured_secrets

FORMATS: Final = ("console", "json")
LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")

_SERVING_COMMANDS: Final = ("worker", "scheduler", "up", "runserver", "work_step")
_SERVING_PROGRAMS: Final = ("uvicorn", "dramatiq", "jobs")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_COLOURS: Final = {"warning": "\x1b[33m", "error": "\x1b[31m", "critical": "\x1b[31m"}

_HEAD: Final = ("time", "level", "logger", "process", "pid", "message")

Event = MutableMapping[str, Any]


def configuration(log_format: str, level: str, process: str) -> dict[str, Any]:
    """Return the LOGGING dictionary. level: empty for what suits the program that runs.

    Raises ImproperlyConfigured for a format or level that there is not.
    """
    if log_format not in FORMATS:
        raise ImproperlyConfigured(f"LOG_FORMAT {log_format!r} is none of {', '.join(FORMATS)}")
    level = (level or _fitting_level(sys.argv)).upper()
    if level not in LEVELS:
        raise ImproperlyConfigured(f"LOG_LEVEL {level!r} is none of {', '.join(LEVELS)}")
    renderer = [_json_ready, structlog.processors.JSONRenderer()]
    formatter = {
        "()": ProcessorFormatter,
        "foreign_pre_chain": [ExtraAdder()],
        "processors": [
            _Fields(process),
            structlog.processors.format_exc_info,
            *([_console] if log_format == "console" else renderer),
            _Redacted(),
        ],
    }
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"lines": formatter},
        "filters": {"no_query": {"()": WithoutQuery}},
        "handlers": {"stderr": {"()": StderrHandler, "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": _LOGGERS,
    }


def _logger(**options: Any) -> dict[str, Any]:
    """A logger that leaves its lines to ours, and loses handlers that a library gave it."""
    return {"handlers": [], "propagate": True, **options}


_LOGGERS: Final = {
    "django": _logger(),
    "django.server": _logger(),
    "django.request": _logger(level="ERROR"),  # our line of each request has its status
    "uvicorn": _logger(),
    "uvicorn.error": _logger(filters=["no_query"]),  # it logs addresses of sockets
    "uvicorn.access": _logger(level="WARNING"),  # our line of each request has no query
    "httpx": _logger(level="WARNING"),  # it logs addresses with their query
    "httpx2": _logger(level="WARNING"),
    "pika": _logger(level="CRITICAL"),  # it logs what dramatiq logs again
}


def _fitting_level(arguments: list[str]) -> str:
    """INFO for processes that serve, WARNING for commands whose terminal is read by a person."""
    program = Path(arguments[0]) if arguments else Path()
    if {program.name, program.parent.name} & set(_SERVING_PROGRAMS):
        return "INFO"
    return "INFO" if arguments[1:2] and arguments[1] in _SERVING_COMMANDS else "WARNING"


def _program(arguments: list[str]) -> str:
    """What runs, in a word: the command of manage.py, or the program."""
    program = Path(arguments[0]) if arguments else Path()
    if program.name == "manage.py" and arguments[1:]:
        return arguments[1]
    return program.parent.name if program.name == "__main__.py" else program.stem


class WithoutQuery(logging.Filter):
    """Cuts the query, which may hold anything, off the addresses that a line is made with."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every line pass."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                each.partition("?")[0] if isinstance(each, str) and each[:1] == "/" else each
                for each in record.args
            )
        return True


class StderrHandler(logging.Handler):
    """Writes to whatever `sys.stderr` is by then.

    A progress bar and Dramatiq's worker processes each put something of their own there.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write the line at once and whole."""
        try:
            sys.stderr.write(self.format(record) + "\n")
            sys.stderr.flush()
        except Exception:
            self.handleError(record)


class _Fields:
    """Adds to an event when and where it was said, and on whose behalf."""

    def __init__(self, process: str) -> None:
        self._process = process

    def __call__(self, logger: Any, method: str, event: Event) -> Event:
        record: logging.LogRecord = event.pop("_record")
        del event["_from_structlog"]
        event.pop("color_message", None)  # uvicorn's, the message again with escapes
        at = datetime.fromtimestamp(record.created, UTC)
        head = {
            "time": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "process": self._process or _program(sys.argv),
            "pid": os.getpid(),
            "message": str(event.pop("event")),
        }
        # What the program knows itself comes last, so that no `extra` passes for it.
        return {**event, **current_fields(), **head}


def _json_ready(logger: Any, method: str, event: Event) -> Event:
    """Put the fields in the order in which one reads them."""
    return {name: event[name] for name in (*_HEAD, *(name for name in event if name not in _HEAD))}


def _console(logger: Any, method: str, event: Event) -> str:
    """Return a line for people; those of a traceback follow, each marked as such."""
    exception: str = event.pop("exception", "")
    level = f"{event['level'].upper():<8}"
    if event["level"] in _COLOURS and _is_coloured():
        level = f"{_COLOURS[event['level']]}{level}\x1b[0m"
    fields = "".join(
        f" {name}={printable(str(value))}" for name, value in event.items() if name not in _HEAD
    )
    process = printable(event["process"])
    line = f"{event['time']} {level} {process} {event['logger']}{fields}: "
    line += printable(event["message"])
    marked = [f"    | {printable(part)}" for part in exception.splitlines()]
    return "\n".join((line, *marked))


def _is_coloured() -> bool:
    return sys.stderr.isatty() and "NO_COLOR" not in os.environ


def printable(text: str) -> str:
    """Return the text on one line, with all that could steer a terminal written out."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class _Redacted:
    """Takes out of a line every secret that this process knows."""

    def __init__(self) -> None:
        self._knows_settings = False

    def __call__(self, logger: Any, method: str, line: str) -> str:
        if not self._knows_settings:
            # Only now, for the settings import this file.
            KNOWN.keep(configured_secrets())
            self._knows_settings = True
        return KNOWN.redact(line)
