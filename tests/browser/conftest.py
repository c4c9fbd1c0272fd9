"""A browser, and the site on the test database in a process of its own."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Page,
    sync_playwright,
)

from tenants.scope import tenant_scope
from tests.admin.world import World, make_world
from warehouse.models import WorkItem

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; the tests are skipped without one, except in CI.

    Not that of pytest-playwright, whose event loop would run beside all tests that come later.
    """
    path = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
    if path is None and not os.environ.get("CI"):
        pytest.skip("there is no Chromium; name one by CHROMIUM")
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Its loop runs in this thread, which Django takes for asynchronous code.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        found = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield found
        found.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser without a past."""
    found = browser.new_context(viewport={"width": 1280, "height": 844})
    yield found
    found.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A page of it."""
    return context.new_page()


def database_url() -> str:
    """The test database, as the environment names one."""
    used = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{used['NAME']}"
    user = f"{used['USER']}:{used['PASSWORD']}@" if used["USER"] else ""
    return f"postgres://{user}{used['HOST'] or 'localhost'}:{used['PORT'] or 5432}/{used['NAME']}"


@pytest.fixture(scope="module")
def address(django_db_setup: None) -> Iterator[str]:
    """Where the site is served; gone before other tests, whose runs it would publish."""
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    environment = {**os.environ, "DATABASE_URL": database_url(), "CHANNEL_LAYER_URL": ""}
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.browser.serve", str(port)], cwd=ROOT, env=environment
    )
    url = f"http://localhost:{port}"
    try:
        _await(url, server)
        yield url
    finally:
        server.terminate()
        server.wait(10)


def _await(url: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert server.poll() is None, "the web server ended"
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the web server does not answer")


@pytest.fixture
def world(transactional_db: None) -> World:
    """A tenant with a row of everything."""
    made = make_world("ours")
    with tenant_scope(made.tenant.pk):
        WorkItem.objects.update(deleted_at=None)
    return made


class Complaints(list[str]):
    """What a page complained about, or fetched from elsewhere."""

    def watch(self, page: Page, address: str) -> None:
        """Listen to a page of the site at this address."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.append(f"{error} at {page.url}"))
        page.on("dialog", self._asked)
        page.on("request", lambda request: self._check(request.url, address))

    def _said(self, said: ConsoleMessage) -> None:
        if said.type in ("error", "warning"):
            self.append(f"{said.type}: {said.text} at {said.location}")

    def _asked(self, dialog: Dialog) -> None:
        self.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _check(self, url: str, address: str) -> None:
        if not url.startswith((address, address.replace("http", "ws", 1), "data:")):
            self.append(f"asked {url}")


@pytest.fixture
def complaints(page: Page, address: str) -> Iterator[Complaints]:
    """Fails a test at whose end the browser has complained."""
    heard = Complaints()
    heard.watch(page, address)
    yield heard
    assert heard == []


@pytest.fixture
def enter(context: BrowserContext, address: str) -> Callable[[User], None]:
    """Log a user in without the form."""

    def log_in(user: User) -> None:
        client = Client()
        client.force_login(user)
        session = client.cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": address}])

    return log_in
