"""An organisation that is served: what it holds, who may see it, and how its servers behave."""

from collections.abc import Callable, Iterable
from typing import Any

from sandbox.accounts import Accounts
from sandbox.clock import Clock
from sandbox.faults import Faults
from sandbox.generate import moments
from sandbox.generate.world import World
from sandbox.github.store import GitHubStore
from sandbox.jira.store import JiraStore
from sandbox.limits import Limits
from sandbox.options import Options
from sandbox.replay import Recording
from sandbox.request_log import RequestLog
from sandbox.script import Script

Progress = Callable[[str, int, int], None]
Row = dict[str, Any]
Tables = dict[str, Iterable[Row]]


class Organisation:
    """One organisation, made up (`world`) or recorded (`recording`); exactly one of them is there.

    Everything of it hangs here and nowhere else, so that one process can serve several. All of it
    is used by one event loop and needs no locks. options changes by control: read it when needed.
    """

    def __init__(
        self,
        source: World | Recording,
        options: Options | None = None,
        progress: Progress | None = None,
    ) -> None:
        """Prepare the stores; progress is called with what is read, how many, and of how many.

        Raises ReplayError if a recording cannot be read.
        """
        self.options = options or Options()
        self.world = source if isinstance(source, World) else None
        self.recording = source if isinstance(source, Recording) else None
        self.seed = self.world.seed if self.world else 0
        self.slug = source.style.slug if isinstance(source, World) else "recorded"
        now = moments.of(source.until) if isinstance(source, World) else source.newest_moment()
        self.clock = Clock(now)
        self.accounts = Accounts(self.seed, self.slug)
        self.log = RequestLog()
        self.limits = Limits()
        self.faults = Faults()
        self.script = Script()
        self.jira = JiraStore(self, progress)
        self.github = GitHubStore(self)
