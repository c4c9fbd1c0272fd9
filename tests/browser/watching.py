"""Somebody in front of a browser who starts, steers or watches runs on the real stack."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, Literal

from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Complaints
from tests.browser.members import PASSWORD
from tests.browser.stack import Stack

Scheme = Literal["light", "dark"]

PATIENCE_MS: Final = 20_000
"""How long anything of a run may take until it is shown; the rest has Playwright's five seconds."""
RUN_MS: Final = 60_000
STOP_MS: Final = 6_000
"""Running work ends within five seconds of a pause or a cancel; it is shown by the next event."""

STAYS: Final = ("h1", "#run-state", "#run-bar", "#run-live", ".etl-numbers")
"""What may not move while numbers change."""

MOST_SHIFT: Final = 0.05
"""Of the layout while numbers change, as browsers measure it (CLS); below 0.1 counts as good."""

_NOTE_SHIFTS = """
window.shifts = [];
const named = node => node && (node.id || node.className || node.nodeName);
new PerformanceObserver(found => {
  for (const each of found.getEntries()) {
    const of = each.sources.map(source => named(source.node));
    if (!each.hadRecentInput) window.shifts.push([each.value, of.join(', ')]);
  }
}).observe({ type: 'layout-shift', buffered: true });
"""
_COUNT = "id => Number(document.getElementById(id).textContent.replace(/\\D/g, ''))"
_CLIMBED = f"([id, from]) => ({_COUNT})(id) > from"


@dataclass(frozen=True)
class Look:
    """How a browser shows pages. width: CSS pixels."""

    width: int = 1280
    scheme: Scheme = "light"

    def __str__(self) -> str:
        return f"{self.width}-{self.scheme}"


class Watcher:
    """Somebody who is signed in."""

    def __init__(self, page: Page, stack: Stack) -> None:
        self.page = page
        self.stack = stack

    def open_integration(self, integration: int) -> None:
        """Open the page of an integration, which has Run now."""
        self.page.goto(f"{self.stack.address}/admin/integrations/integration/{integration}/change/")

    def run_now(self, integration: int) -> int:
        """Press Run now; return the run's number as the page tells it."""
        self.open_integration(integration)
        self.page.get_by_role("button", name="Run now").first.click()
        link = self.page.locator(".etl-toast a").first
        expect(link).to_be_visible()
        found = re.search(r"/jobrun/(\d+)/", link.get_attribute("href") or "")
        assert found, "the message does not link the run"
        return int(found[1])

    def cancel(self, integration: int) -> None:
        """Cancel the run of an integration that goes on."""
        self.open_integration(integration)
        self.page.get_by_role("button", name="Cancel the run").click()
        expect(self.page.locator(".etl-toast").first).to_contain_text("is cancelled")

    def press(self, name: str) -> None:
        """Press a button of the run's page; it says what came of it."""
        self.page.locator("#content").get_by_role("button", name=name, exact=True).click()
        expect(self.page.locator(".etl-toast").first).to_be_visible()

    def is_told(self, title: str) -> None:
        """Wait for the toast of a notice."""
        told = self.page.locator("[data-notice]", has_text=title)
        expect(told).to_have_count(1, timeout=RUN_MS)

    def open_run(self, run: int) -> None:
        """Open the page of a run."""
        self.page.goto(f"{self.stack.address}/admin/jobs/jobrun/{run}/change/")

    def count(self, name: str = "records") -> int:
        """Return a number of the run's page."""
        shown: int = self.page.evaluate(_COUNT, f"run-{name}")
        return shown

    def sees_climb(self, name: str = "records", times: int = 3) -> None:
        """Wait until a number has grown so many times in front of us."""
        for _ in range(times):
            before = self.count(name)
            self.page.wait_for_function(_CLIMBED, arg=[f"run-{name}", before], timeout=PATIENCE_MS)

    def sees_mode(self, mode: str) -> None:
        """Wait until the page says how it comes by what it shows: live, polling or finished."""
        shown = expect(self.page.locator("#run-live"))
        shown.to_have_attribute("data-mode", mode, timeout=PATIENCE_MS)

    def sees_state(self, label: str, timeout: int = PATIENCE_MS) -> None:
        """Wait until the run's state reads so."""
        expect(self.page.locator("#run-state")).to_have_text(label, timeout=timeout)

    def sees_counts(self, counts: dict[str, int]) -> None:
        """The page's numbers are these."""
        for name, value in counts.items():
            shown = expect(self.page.locator(f"#run-{name}"))
            shown.to_have_text(f"{value:,}", timeout=PATIENCE_MS)

    @contextmanager
    def without_a_jump_or_reload(self) -> Iterator[None]:
        """Nothing of STAYS moves and the page is the same one at the end."""
        loaded = self.page.evaluate("performance.timeOrigin")
        places = self.places()
        self.page.evaluate("window.shifts = []")
        yield
        assert self.page.evaluate("performance.timeOrigin") == loaded, "it was loaded again"
        assert self.places() == places, f"it jumped from {places} to {self.places()}"
        shifts = self.page.evaluate("window.shifts")
        assert sum(value for value, _ in shifts) < MOST_SHIFT, f"its layout shifted: {shifts}"

    def places(self) -> dict[str, int]:
        """Return how far below the page's top each of STAYS begins, in pixels."""
        where = "it => Math.round(it.getBoundingClientRect().y + window.scrollY)"
        return {name: self.page.locator(name).first.evaluate(where) for name in STAYS}

    def fits(self) -> None:
        """Nothing is wider than the screen."""
        over = self.page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        assert over <= 0, f"{self.page.url} is {over} px too wide"


class People:
    """Opens a browser for each person and hears what it complains of."""

    def __init__(self, browser: Browser, stack: Stack) -> None:
        self._browser = browser
        self._stack = stack
        self._close: list[Callable[[], None]] = []
        self.complaints = Complaints()

    def enter(self, name: str, look: Look) -> Watcher:
        """Sign somebody in, in a browser of their own."""
        context = self._browser.new_context(
            viewport={"width": look.width, "height": 844}, color_scheme=look.scheme
        )
        self._close.append(context.close)
        page = context.new_page()
        page.add_init_script(_NOTE_SHIFTS)
        self.complaints.watch(page, self._stack.address)
        page.goto(f"{self._stack.address}/admin/login/")
        page.fill("[name=username]", name)
        page.fill("[name=password]", PASSWORD)
        page.locator("[type=submit]").first.click()
        page.wait_for_url(f"{self._stack.address}/admin/")
        return Watcher(page, self._stack)

    def leave(self) -> None:
        """Close every browser."""
        for close in self._close:
            close()
