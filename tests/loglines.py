"""Log lines as our formatter makes them where they are said."""

import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from logging.config import DictConfigurator
from typing import Any

from etl_project import logs


def formatter(log_format: str, process: str = "worker-1") -> logging.Formatter:
    """The formatter of the configuration, as the logging machinery makes it."""
    made = logs.configuration(log_format, "INFO", process)
    configurator = DictConfigurator({"version": 1})
    found: logging.Formatter = configurator.configure_formatter(made["formatters"]["lines"])
    return found


class _Keeping(logging.Handler):
    """Keeps each line as an object."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(formatter("json"))
        self.lines: list[dict[str, Any]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(json.loads(self.format(record)))


@contextmanager
def kept_lines() -> Iterator[list[dict[str, Any]]]:
    """Gather what every logger says from INFO on, as objects."""
    root, handler = logging.getLogger(), _Keeping()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    try:
        yield handler.lines
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
