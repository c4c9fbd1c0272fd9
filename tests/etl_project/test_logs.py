"""Each event is one line, with its trace, without secrets, and forges no other."""

import json
import logging
import os
import subprocess
import sys
from logging.config import dictConfig
from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from common import tracing
from etl_project import logs
from tests.common.sites import site_at
from tests.conftest import ROOT
from tests.loglines import formatter

TOKEN = "t0ken-of-an-integration"
EVIL = "gone\n2026-01-01T00:00:00.000Z ERROR web forged: \x1b[31mred\x1b[0m\u2028\x85end"


def record(message: str, *args: object, **extra: object) -> logging.LogRecord:
    """A warning of the steps, with the exception that is being handled."""
    error = sys.exc_info()
    given = (logging.WARNING, __file__, 1, message, args, error if error[0] else None)
    return logging.getLogger().makeRecord("jobs.steps", *given, extra=extra or None)


def as_json(message: str, *args: object, **extra: object) -> dict[str, Any]:
    """The object that an event becomes."""
    line = formatter("json").format(record(message, *args, **extra))
    assert len(line.splitlines()) == 1
    found: dict[str, Any] = json.loads(line)
    return found


def test_an_event_tells_when_where_and_on_whose_behalf_it_was_said() -> None:
    with tracing.bind("trace-of-tests", tenant=3, run=5, step=7, stage="load"):
        said = as_json("step %s failed", 7, ms=12)
    assert said.pop("time").endswith("Z")
    assert said.pop("pid") == os.getpid()
    assert said == {
        "level": "warning", "logger": "jobs.steps", "process": "worker-1",
        "message": "step 7 failed", "trace": "trace-of-tests", "tenant": 3, "run": 5, "step": 7,
        "stage": "load", "ms": 12,
    }  # fmt: skip


def test_what_comes_from_outside_stays_on_its_line() -> None:
    assert as_json("the source said %s", EVIL)["message"] == f"the source said {EVIL}"
    line = formatter("console").format(record("the source said %s", EVIL))
    assert len(line.splitlines()) == 1
    assert "\x1b" not in line
    assert r"gone\n2026-01-01" in line


def test_each_line_of_a_traceback_is_marked_as_one() -> None:
    try:
        raise ValueError(EVIL)
    except ValueError:
        lines = formatter("console").format(record("it broke")).splitlines()
        said = as_json("it broke")
    assert all(line.startswith("    | ") for line in lines[1:])
    assert "ValueError: gone" in "".join(lines)
    assert "ValueError: gone" in said["exception"]


@pytest.mark.parametrize("log_format", logs.FORMATS)
@pytest.mark.parametrize(
    ("text", "secret"),
    [
        (f"the answer echoed {TOKEN}", TOKEN),
        ("amqp://me:s3cr3t-word@broker/v is away", "s3cr3t-word"),
        ("headers {'authorization': 'Bearer abcdef0123456789'}", "abcdef0123456789"),
        ("Authorization: Basic bWU6c2VjcmV0MTIz", "bWU6c2VjcmV0MTIz"),
        ("token ghp_0123456789abcdefghij was refused", "ghp_0123456789abcdefghij"),
        ("GET /x?page=2&access_token=abc123def", "abc123def"),
    ],
)
def test_no_secret_is_logged_not_even_by_a_traceback(
    log_format: str, text: str, secret: str
) -> None:
    site_at("https://jira.invalid/", secrets=[TOKEN])
    made = formatter(log_format)
    assert secret not in made.format(record(text))
    try:
        raise RuntimeError(text)
    except RuntimeError:
        assert secret not in made.format(record("it broke"))


def test_the_secrets_of_the_settings_are_redacted(settings: Any) -> None:
    settings.BROKER_URL = "amqp://me:pass-of-the-broker@broker/v"
    line = formatter("json").format(record(f"{settings.SECRET_KEY} and pass-of-the-broker"))
    assert settings.SECRET_KEY not in line
    assert "pass-of-the-broker" not in line


def test_a_program_that_serves_says_more_than_a_command() -> None:
    level = logs._fitting_level
    assert level(["manage.py", "scheduler"]) == "INFO"
    assert level(["/x/uvicorn/__main__.py", "etl_project.asgi:application"]) == "INFO"
    assert level(["/x/bin/uvicorn"]) == "INFO"
    assert level(["manage.py", "import_raw"]) == "WARNING"
    assert level(["/x/bin/pytest"]) == "WARNING"


def test_a_format_or_level_that_there_is_not_is_refused() -> None:
    with pytest.raises(ImproperlyConfigured, match="LOG_FORMAT 'xml' is none of console, json"):
        logs.configuration("xml", "", "")
    with pytest.raises(ImproperlyConfigured, match="LOG_LEVEL"):
        logs.configuration("json", "LOUD", "")


def configured() -> None:
    """Configure the loggers of libraries anew."""
    made = logs.configuration("json", "WARNING", "")
    parts = {name: made[name] for name in ("loggers", "filters")}
    dictConfig({"version": 1, "disable_existing_loggers": False, **parts})


def test_the_query_of_the_address_of_a_socket_is_not_told() -> None:
    configured()
    uvicorn = logging.getLogger("uvicorn.error")
    line = record('%s - "WebSocket %s" [accepted]')
    line.args = ("192.0.2.1:51452", "/ws/v1/?ticket=one-of-theirs")
    assert uvicorn.filter(line)
    assert line.getMessage() == '192.0.2.1:51452 - "WebSocket /ws/v1/" [accepted]'


def test_loggers_of_libraries_leave_their_lines_to_ours() -> None:
    uvicorn = logging.getLogger("uvicorn.error")
    uvicorn.addHandler(logging.NullHandler())
    uvicorn.propagate = False
    configured()
    assert uvicorn.handlers == []
    assert uvicorn.propagate


def test_a_command_logs_json_when_it_is_told_to(tmp_path: Path) -> None:
    code = (
        "import django, logging; django.setup(); logging.getLogger('jobs').warning('said %s', 'it')"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ
        | {"DJANGO_SETTINGS_MODULE": "etl_project.settings", "VAR_DIR": str(tmp_path)}
        | {"LOG_FORMAT": "json", "PROCESS_NAME": "worker-9"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    said = json.loads(done.stderr)
    assert (said["message"], said["process"]) == ("said it", "worker-9")
