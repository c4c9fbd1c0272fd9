"""Pictures of every page of the admin, in light and dark, on a laptop and on a phone.

Starts a demo of its own with an empty database, leaves some values without a rule, and visits what
the sidebar and the lists lead to. All pictures go to var/screenshots; the few that the README
shows go to docs/screenshots, as WebP.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

ROOT: Final = Path(__file__).resolve().parents[1]
ALL: Final = ROOT / "var" / "screenshots"
CHOSEN: Final = ROOT / "docs" / "screenshots"
FLAGS: Final = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync")
SIZES: Final = {"laptop": (1280, 800), "phone": (390, 844)}
THEMES: Final = ("light", "dark")
USER: Final = "acme-admin"
MOST_BYTES: Final = 150_000
START_SECONDS: Final = 180
CHART_MS: Final = 1_200
"""How long a chart is drawn."""
SHOWN: Final = (
    ("home", "light", "laptop"),
    ("inbox", "light", "laptop"),
    ("work-items-one", "dark", "laptop"),
    ("status-mappings-new", "light", "laptop"),
    ("workflows-one", "dark", "laptop"),
    ("integrations-one", "light", "laptop"),
    ("home", "dark", "phone"),
    ("inbox", "light", "phone"),
    ("work-items-one", "light", "phone"),
)
"""Pictures that the README shows."""


@dataclass(frozen=True)
class Shot:
    """A page and the name of its picture."""

    name: str
    path: str


@contextmanager
def demo(directory: str, port: int) -> Iterator[tuple[str, str]]:
    """Start a demo in a process of its own; give its address and the password."""
    kept = {name: value for name, value in os.environ.items() if not name.endswith("_URL")}
    server = subprocess.Popen(
        [sys.executable, "-u", "manage.py", "demo", "--port", str(port)],
        cwd=ROOT,
        env={**kept, "VAR_DIR": directory},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines: list[str] = []
    is_ready = threading.Event()

    def listen() -> None:
        assert server.stdout is not None
        for line in server.stdout:
            lines.append(line)
            if "ends the demo" in line:
                is_ready.set()
        is_ready.set()

    threading.Thread(target=listen, daemon=True).start()
    try:
        assert is_ready.wait(START_SECONDS), "the demo does not start"
        assert server.poll() is None, "".join(lines)
        text = "".join(lines)
        found = re.search(r"(http://localhost:\d+)/ +password of all users: (\S+)", text)
        assert found is not None, text
        yield found[1], found[2]
    finally:
        server.terminate()
        server.wait(30)


def logged_in(browser: Browser, address: str, password: str, theme: str, size: str) -> Page:
    """Return a page of a browser in which the administrator is logged in."""
    width, height = SIZES[size]
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if theme == "dark" else "light",
        is_mobile=size == "phone",
        has_touch=size == "phone",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.goto(f"{address}/admin/login/")
    page.fill("[name=username]", USER)
    page.fill("[name=password]", password)
    page.click("button[type=submit]")
    page.wait_for_url(f"{address}/admin/")
    return page


def shots_of(page: Page, address: str) -> list[Shot]:
    """Return what the sidebar leads to, and the first row of each list there."""
    links = page.locator("#nav-sidebar a[href^='/admin/']").all()
    paths = dict.fromkeys(link.get_attribute("href") or "" for link in links)
    shots = []
    for path in paths:
        page.goto(address + path)
        name = _slug(path)
        shots.append(Shot(name, path))
        rows = page.locator(
            "#result_list tbody th a[href], #result_list tbody td a[href*='/change/']"
        )
        if rows.count():
            first = rows.first.get_attribute("href") or ""
            shots.append(Shot(f"{name}-one", first.partition("?")[0]))
    return shots + [Shot(name, path) for name, path in FURTHER]


UNUSED_RULES: Final = (
    ("statusmapping", "category “new”"),
    ("statusmapping", "rejected"),
)

FURTHER: Final = (
    ("preferences", "/admin/preferences/"),
    ("integrations-choose", "/admin/integrations/integration/add/"),
    ("integrations-connect", "/admin/integrations/integration/add/?provider=jira"),
    ("status-mappings-new", "/admin/mappings/statusmapping/add/"),
    ("history", "/admin/mappings/changeset/"),
    ("bell", "/admin/#bell-panel"),
    ("not-found", "/admin/nothing/here/"),
)


def _slug(path: str) -> str:
    known = {"/admin/": "home"}
    parts = path.strip("/").split("/")
    return known.get(path, _TITLES.get(parts[-1], parts[-1]).replace("_", "-"))


_TITLES: Final = {
    "workitem": "work-items",
    "pullrequest": "pull-requests",
    "integration": "integrations",
    "rawpage": "raw-pages",
    "quarantinedrecord": "quarantine",
    "witmapping": "wit-mappings",
    "withierarchy": "hierarchies",
    "statusmapping": "status-mappings",
    "workflow": "workflows",
    "customfieldmapping": "custom-fields",
    "wit": "source-types",
    "status": "source-statuses",
    "changeset": "history",
    "jobrun": "runs",
    "queueentry": "queue",
    "membership": "members",
}


def choose_item(page: Page, address: str) -> str:
    """Return the address of a work item whose story is worth a picture: the longest of some."""
    page.goto(f"{address}/admin/warehouse/workitem/?q=PAY-")
    rows = page.locator("#result_list tbody a[href*='/change/']").all()
    best, most = "", -1
    for path in [row.get_attribute("href") or "" for row in rows[:40]]:
        page.goto(address + path)
        visits = page.locator("tr[id^=visit-]").count()
        is_done = page.locator(".ex-mark", has_text="3").count() > 0
        if visits > most and is_done:
            best, most = path.partition("?")[0], visits
    return best


def story_shots(page: Page, address: str) -> list[Shot]:
    """Return the page of a work item with a long story, and the raw record of a change of it."""
    item = choose_item(page, address)
    page.goto(address + item)
    raw = page.locator("#visit-1 .ex-raw").get_attribute("href") or ""
    return [Shot("work-items-one", item), Shot("raw-pages-marked", raw)]


def chosen_row(page: Page, address: str) -> str:
    """Return the address of the Jira integration."""
    page.goto(f"{address}/admin/integrations/integration/")
    link = page.locator("#result_list a[href*='/change/']", has_text="jira").first
    return (link.get_attribute("href") or "").partition("?")[0]


def take(page: Page, address: str, shot: Shot, theme: str, size: str) -> str | None:
    """Take a picture; return what is wrong with the page, if anything."""
    answer = page.goto(address + shot.path)
    page.evaluate("document.fonts.ready")
    if shot.name == "status-mappings-new":
        fill_in_a_rule(page)
    if shot.name == "bell":
        page.locator("#bell-open").click()
        page.locator("#bell-list li").first.wait_for()
    if page.locator("canvas").count():
        page.wait_for_timeout(CHART_MS)
    target = ALL / f"{shot.name}-{theme}-{size}.png"
    page.screenshot(path=target, full_page="#" not in shot.path)
    if (shot.name, theme, size) in SHOWN:
        page.evaluate("window.scrollTo(0, 0)")
        view = ALL / "view.png"
        page.screenshot(path=view)
        keep(view, CHOSEN / f"{shot.name}-{theme}-{size}.webp")
        view.unlink()
    over = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    status = answer.status if answer else 0
    if over > 0 or status >= 500:
        return f"{shot.path} at {size}, {theme}: status {status}, {over} px too wide"
    return None


def keep(picture: Path, target: Path) -> None:
    """Keep a picture for the README, small enough."""
    with Image.open(picture) as image:
        for quality in (88, 80, 70, 55, 40):
            image.save(target, "WEBP", quality=quality, method=6)
            if target.stat().st_size <= MOST_BYTES:
                return
    raise AssertionError(f"{target} stays larger than {MOST_BYTES} bytes")


def leave_some_without_a_rule(page: Page, address: str) -> None:
    """Put aside some rules, as an administrator would, so that the inbox has something."""
    for model, name in UNUSED_RULES:
        page.goto(f"{address}/admin/mappings/{model}/")
        row = page.locator("#result_list tbody tr").filter(has_text=name).first
        path = row.locator("a[href*='/change/']").first.get_attribute("href") or ""
        page.goto(address + path.partition("?")[0].replace("/change/", "/deactivate/"))
        page.locator("[name=_apply]").click()
        page.locator(".etl-toast").wait_for()


def fill_in_a_rule(page: Page) -> None:
    """Begin a rule that moves the end of work: the panel beside it says what that does."""
    page.fill("[name=from_name]", "Ready for Release")
    page.fill("[name=target]", "Ready for Prod")
    option = page.locator("[name=step] option", has_text="Ready for Prod").first
    page.locator("[name=step]").select_option(option.get_attribute("value"))
    page.locator(".mp-panel .mp-moves").first.wait_for()


def photograph(address: str, password: str, only: str) -> list[str]:
    """Take all pictures; return what is wrong."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        page = logged_in(browser, address, password, "light", "laptop")
        told = story_shots(page, address)
        wrong = take_all(browser, (address, password), told, only)
        leave_some_without_a_rule(page, address)
        better = {"integrations-one": chosen_row(page, address)}
        others = [
            Shot(shot.name, better.get(shot.name) or shot.path)
            for shot in shots_of(page, address)
            if shot.name not in {each.name for each in told}
        ]
        wrong += take_all(browser, (address, password), others, only)
        browser.close()
    return wrong


def take_all(browser: Browser, site: tuple[str, str], shots: list[Shot], only: str) -> list[str]:
    """Take each picture in each theme and size; return what is wrong."""
    wrong: list[str] = []
    chosen = [shot for shot in shots if re.search(only, shot.name)]
    for theme in THEMES:
        for size in SIZES:
            page = logged_in(browser, *site, theme, size)
            wrong += filter(None, (take(page, site[0], shot, theme, size) for shot in chosen))
            page.context.close()
    print(f"{len(chosen) * 4} pictures of {len(chosen)} pages in {ALL.relative_to(ROOT)}")
    return wrong


def main() -> int:
    """Start the demo, take the pictures, say what is wrong."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8060)
    parser.add_argument("--only", default="", help="pages whose name this pattern is found in")
    given = parser.parse_args()
    ALL.mkdir(parents=True, exist_ok=True)
    CHOSEN.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as directory, demo(directory, given.port) as (address, word):
        wrong = photograph(address, word, given.only)
    for problem in wrong:
        print(problem)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
