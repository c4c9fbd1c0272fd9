"""The whole first hour of an administrator, with a mouse and then on a phone."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Error

from sandbox.generate.world import World
from tests.browser import first_hour as steps
from tests.browser.conftest import ROOT, Complaints
from tests.browser.first_hour import Person
from tests.live.served import served

pytestmark = [pytest.mark.browser, pytest.mark.slow]

PROJECTS = ["SHOP", "PAY"]
SERVERS = ("DATABASE_URL", "BROKER_URL", "CHANNEL_LAYER_URL", "QDRANT_URL", "TEST_NAME")
RABBIT = ("RABBITMQ_URL", "RABBITMQ_HOST", "RABBITMQ_USER", "RABBITMQ_PASSWORD", "RABBITMQ_VHOST")


@contextmanager
def working_site(directory: Path) -> Iterator[str]:
    """Serve a new site with its workers from a process; give its address."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    kept = {name: value for name, value in os.environ.items() if name not in (*SERVERS, *RABBIT)}
    environment = {**kept, "VAR_DIR": str(directory), "EGRESS_ALLOWED_PRIVATE_CIDRS": "127.0.0.0/8"}
    with (directory / "site.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.browser.working_site", str(port)],
            cwd=ROOT,
            env=environment,
            stdout=log,
            stderr=log,
        )
        url = f"http://localhost:{port}"
        try:
            await_site(url, server, directory / "site.log")
            yield url
        finally:
            server.terminate()
            server.wait(30)


def await_site(url: str, server: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert server.poll() is None, log.read_text()[-3000:]
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"the site does not answer: {log.read_text()[-3000:]}")


def mouse(browser: Browser) -> BrowserContext:
    return browser.new_context(viewport={"width": 1280, "height": 800}, accept_downloads=True)


def phone(browser: Browser) -> BrowserContext:
    return browser.new_context(
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
        accept_downloads=True,
    )


@pytest.mark.parametrize("has_mouse", [True, False], ids=["mouse", "phone"])
def test_the_first_hour(browser: Browser, tmp_path: Path, has_mouse: bool) -> None:
    complaints = Complaints()
    with (
        served(World(items=150, seed=7, style_name="acme", shape="v3")) as source,
        working_site(tmp_path) as address,
        mouse(browser) if has_mouse else phone(browser) as context,
    ):
        page = context.new_page()
        page.set_default_timeout(10_000)
        complaints.watch(page, address)
        person = Person(page, address, has_mouse)
        try:
            spend_the_hour(person, source.ready["jira"], tmp_path)
        except (AssertionError, Error) as error:
            page.screenshot(path=tmp_path / "where.png", full_page=True)
            error.add_note(f"at {page.url}; {tmp_path}/where.png shows it, site.log is beside it")
            raise
    assert complaints == []


def spend_the_hour(person: Person, jira: dict[str, str], directory: Path) -> None:
    steps.log_in(person)
    steps.connect_jira(person, jira)
    steps.pick_projects(person, PROJECTS)
    steps.save_without_starter_mappings(person)
    steps.run_to_the_end(person)
    unmapped = steps.see_the_inbox_fill(person)
    assert unmapped > 10
    steps.accept_one(person)
    steps.accept_all_that_are_sure(person)
    assert steps.see_the_inbox_fill(person) < unmapped
    key, touched = steps.correct_one(person)
    steps.open_explain(person, key)
    steps.look_at_the_raw_record(person)
    steps.undo(person, touched)
    steps.export_change_and_import(person, directory)
