"""The issues of a site: as they are at the start, and on top of it what was changed since."""

import json
from collections import deque
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Literal, NamedTuple

from sandbox.accounts import FULL, RESTRICTED
from sandbox.clock import SECOND
from sandbox.generate import moments
from sandbox.jira.accounts import issue_tokens
from sandbox.jira.facts import Entity, Facts, facts_of
from sandbox.jira.index import MOST_ROWS, Index
from sandbox.jira.page_tokens import PageTokens
from sandbox.jira.setup import embedded_status
from sandbox.jira.sources import MadeUp, Recorded, Source

if TYPE_CHECKING:
    from sandbox.organisation import Organisation

Reason = Literal["deleted", "not_visible"]
_LONGEST_NAME = 255
_FIRST_HISTORY_ID = 10_000_000_000
_FIRST_MADE_UP_ID = 100_000
_RECENT = 600 * SECOND


class Deleted(NamedTuple):
    """An issue that was deleted, as it was last, and when (virtual milliseconds)."""

    facts: Facts
    key: str
    at: int


class JiraStore:
    """All issues by row: a number that an issue keeps for ever, and that no client sees.

    What is changed is kept whole; everything else is computed, or read from the recording,
    whenever it is asked for. The index may lag behind: see `catch_up`.
    """

    def __init__(
        self,
        organisation: "Organisation",
        progress: Callable[[str, int, int], None] | None = None,
    ) -> None:
        self.organisation = organisation
        self.clock = organisation.clock
        self.source = self._source()
        if self.source.count > MOST_ROWS // 2:
            raise ValueError(f"a site has at most {MOST_ROWS // 2:,} issues")
        self.setup = self.source.setup
        self.project_keys = {int(each["id"]): each["key"] for each in self.setup.projects}
        self.index = Index()
        self.index.fill(self.source.facts(progress))
        self.page_tokens = PageTokens(organisation.accounts.secret("pages").encode(), self.clock)
        self.deleted: dict[int, Deleted] = {}
        self.searches = 0
        self.mutations = 0
        self.moved: list[tuple[str, str, str, int]] = []
        self._changed: dict[int, tuple[Facts, bytes]] = {}
        self._keys: dict[str, int] = {}
        self._pending: deque[tuple[int, int]] = deque()
        self._recent: dict[int, int] = {}
        self._history_id = _FIRST_HISTORY_ID
        self._numbers: dict[int, int] = {}
        self._ids = {} if organisation.world else self._recorded_ids()
        # Both kinds of sources are in the order of their ids.
        self._next_id = self.index.facts(len(self.index) - 1).id if len(self.index) else 10_000
        hidden = self.setup.projects[-1]["id"] if len(self.setup.projects) > 1 else None
        if hidden is not None:
            organisation.accounts.hide(RESTRICTED, "project", hidden)
        issue_tokens(organisation)

    def _source(self) -> Source:
        organisation, options = self.organisation, self.organisation.options
        if organisation.recording is not None:
            return Recorded(organisation.recording)
        assert organisation.world is not None
        return MadeUp(organisation.world, is_cloud=options.is_cloud)

    def _recorded_ids(self) -> dict[int, int]:
        return {self.index.facts(row).id: row for row in range(len(self.index))}

    # ---- reading

    @property
    def row_count(self) -> int:
        """How many rows there are, those of deleted issues included."""
        return len(self.index)

    @property
    def time_zone(self) -> str:
        """The zone of the users."""
        return self.organisation.options.user_zone or self.setup.time_zone

    def facts(self, row: int) -> Facts:
        """Return the facts of an issue as it is now, whatever the index says."""
        changed = self._changed.get(row)
        return self.index.facts(row) if changed is None else changed[0]

    def issue(self, row: int) -> Entity:
        """Return an issue as it is now with its whole changelog, newest history first."""
        changed = self._changed.get(row)
        issue = self.source.issue(row) if changed is None else json.loads(changed[1])
        self._with_renamed_statuses(issue["fields"])
        return issue

    def _with_renamed_statuses(self, fields: Entity) -> None:
        renamed = self.setup.renamed_statuses
        if renamed and fields["status"]["id"] in renamed:
            status = self.setup.status(fields["status"]["id"])
            fields["status"] = embedded_status(status) if status else fields["status"]

    def key(self, row: int) -> str:
        """Return the key of an issue as it is now."""
        facts = self.facts(row)
        return f"{self.project_keys[facts.project]}-{facts.number}"

    def row_of(self, id_or_key: str) -> int | None:
        """Return the row of an id, a key or a former key; None if there is no such issue now."""
        if len(id_or_key) > _LONGEST_NAME:
            return None
        row = self.row_by_id(int(id_or_key)) if id_or_key.isdigit() else self._row_by_key(id_or_key)
        return None if row is None or row in self.deleted else row

    def row_by_id(self, source_id: int) -> int | None:
        """Return the row of an id, also of a deleted issue; None if there never was one."""
        known = self._ids.get(source_id)
        if known is not None or self.organisation.world is None:
            return known
        row = source_id - _FIRST_MADE_UP_ID
        return row if 0 <= row < self.source.count else None

    def _row_by_key(self, key: str) -> int | None:
        known = self._keys.get(key.upper())
        if known is not None:
            return known
        prefix, _, number = key.rpartition("-")
        project = self.setup.project(prefix) if prefix else None
        if project is None or not number.isdigit():
            return None
        return self.index.row_numbered(int(project["id"]), int(number))

    def visible_projects(self, account: str) -> set[int]:
        """Return the ids of the projects that an account sees and that are not archived."""
        away = self.organisation.accounts.hidden(account, "project") | self.setup.archived
        return {int(each["id"]) for each in self.setup.projects if each["id"] not in away}

    def sees_project(self, source_id: str | None, account: str) -> bool:
        """Tell whether an account sees what is of a project; True for what is of none."""
        hidden = self.organisation.accounts.hidden(account, "project")
        return source_id is None or source_id not in hidden | self.setup.archived

    def visible_row(self, id_or_key: str, account: str) -> int | None:
        """Return the row of an issue that an account sees; None for any other."""
        row = self.row_of(id_or_key)
        if row is None or self.facts(row).project not in self.visible_projects(account):
            return None
        return row

    def live_rows(self, account: str = FULL) -> Iterator[int]:
        """Yield the rows of the issues that there are now and that an account sees."""
        projects = self.visible_projects(account)
        for row in range(self.row_count):
            if row not in self.deleted and self.facts(row).project in projects:
                yield row

    # ---- searching

    def catch_up(self, now_too: tuple[str, ...] = ()) -> None:
        """Index what is due by the clock, and the issues of these ids at once."""
        while self._pending and self._pending[0][0] <= self.clock.now:
            self._index(self._pending.popleft()[1])
        for source_id in now_too:
            row = self.row_by_id(int(source_id)) if source_id.isdigit() else None
            if row is not None:
                self._index(row)

    def _index(self, row: int) -> None:
        if row in self.deleted:
            self.index.drop(row)
        elif row in self._changed:
            self.index.put(row, self._changed[row][0])

    def recently_changed(self) -> set[int]:
        """Return the rows that were changed in the last ten virtual minutes."""
        now = self.clock.now
        self._recent = {row: at for row, at in self._recent.items() if at > now - _RECENT}
        return set(self._recent)

    # ---- changing

    def time_text(self, at: int) -> str:
        """Return an instant as the entities of this site write it."""
        return moments.jira(at, self.setup.offset_minutes)

    def next_history_id(self) -> str:
        """Return an id for a history."""
        self._history_id += 1
        return str(self._history_id)

    def put(self, row: int, issue: Entity) -> None:
        """Keep an issue as it is now."""
        facts = facts_of(issue)
        former = self.key(row) if row in self._changed or row < self.source.count else None
        if former is not None:
            self._keys.setdefault(former, row)
        self._keys[issue["key"].upper()] = row
        self._changed[row] = (
            facts,
            json.dumps(issue, ensure_ascii=False).encode("utf-8", "surrogatepass"),
        )
        self._later(row)

    def add(self, issue: Entity) -> int:
        """Keep a new issue, whose id is `next_id()`; return its row."""
        row = self.index.reserve()
        self._ids[int(issue["id"])] = row
        self.put(row, issue)
        return row

    def next_id(self) -> str:
        """Return the id of the next new issue."""
        self._next_id += 1
        return str(self._next_id)

    def next_number(self, project: int) -> int:
        """Return the number of the next issue in a project, one that none ever had."""
        known = self._numbers.get(project) or self.index.last_number(project)
        self._numbers[project] = known + 1
        return known + 1

    def delete(self, row: int) -> None:
        """Delete an issue."""
        self.deleted[row] = Deleted(self.facts(row), self.key(row), self.clock.tick())
        self._later(row)

    def _later(self, row: int) -> None:
        """Note that a row changed; it can be searched once the index has caught up."""
        self._recent[row] = self.clock.now
        lag = round(self.organisation.options.index_lag_seconds * SECOND)
        if lag:
            self._pending.append((self.clock.now + lag, row))
        else:
            self._index(row)
