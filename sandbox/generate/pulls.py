"""The life of one pull request: which work items it names and where, and how it ended."""

from dataclasses import dataclass
from hashlib import sha1

from sandbox.generate import moments
from sandbox.generate.draws import Draws
from sandbox.generate.people import People, Person
from sandbox.generate.site import Site
from sandbox.generate.timeline import Life, Lives

_FALSE_KEYS = ("UTF-8", "SHA-256", "ISO-8601", "RFC-2119", "CVE-2026-41284")


@dataclass(frozen=True)
class Repository:
    """A repository of the organisation."""

    index: int
    id: int
    owner: str
    name: str
    created: int

    @property
    def full_name(self) -> str:
        """The owner and the name."""
        return f"{self.owner}/{self.name}"


@dataclass(frozen=True)
class PullPlan:
    """A pull request's place, texts and course. closed: also when it was merged."""

    index: int
    repository: Repository
    number: int
    item: Life
    author: Person
    is_ghost: bool
    is_draft: bool
    head_gone: bool
    from_fork: bool
    branch: str
    title: str
    body: str | None
    messages: tuple[str, ...]
    first_commit: int
    opened: int
    closed: int | None
    merged: bool
    updated: int

    def sha(self, *names: object) -> str:
        """Return a commit hash of this pull request's own."""
        text = ":".join(map(str, (self.repository.full_name, self.number, *names)))
        return sha1(text.encode(), usedforsecurity=False).hexdigest()


class PullPlans:
    """All pull requests of an organisation, each computed from its number."""

    def __init__(
        self, seed: int, items: int, count: int, lives: Lives, site: Site, people: People
    ) -> None:
        self.count = count
        self._seed = seed
        self._items = items
        self._lives = lives
        self._site = site
        self._people = people
        names = site.style.repositories
        self.repositories = tuple(
            self._repository(index, names)
            for index in range(min(count, max(len(names), min(300, count // 3_000))))
        )

    def _repository(self, index: int, names: tuple[str, ...]) -> Repository:
        turn, which = divmod(index, len(names))
        name = f"{names[which]}-{turn + 1}" if turn else names[which]
        base = 300_000_000 + 1_000 * (self._seed % 10_000)
        owner = self._site.style.owner
        return Repository(index, base + index, owner, name, self._site.start - 90 * moments.DAY)

    def plan(self, index: int) -> PullPlan:
        """Return the pull request of this number; in a repository, numbers leave gaps."""
        draws = Draws(self._seed, "pull", index)
        turn, which = divmod(index, len(self.repositories))
        item = self._lives.life((index * 3 + 1) % self._items)
        opened, closed, merged = self._course(draws, item)
        author = self._author(draws, item)
        branch, title, body, messages = self._texts(draws, item, author)
        end = closed or min(self._site.until, opened + draws.below(5) * moments.DAY)
        return PullPlan(
            index=index,
            repository=self.repositories[which],
            number=1 + turn + turn // 6,
            item=item,
            author=author,
            is_ghost=draws.chance(0.03),
            is_draft=closed is None and draws.chance(0.35),
            head_gone=closed is not None and draws.chance(0.08),
            from_fork=draws.chance(0.1),
            branch=branch,
            title=title,
            body=body,
            messages=messages,
            first_commit=opened - int(draws.skewed(0.02, 3) * moments.DAY),
            opened=opened,
            closed=closed,
            merged=merged,
            updated=min(self._site.until, end + draws.below(3) * moments.HOUR),
        )

    def _author(self, draws: Draws, item: Life) -> Person:
        if draws.chance(0.05):
            return self._people.person(0)
        if item.assignee is not None and item.assignee.login is not None:
            return item.assignee
        person = self._people.anyone(draws)
        while person.login is None:
            person = self._people.person((person.index + 1) % self._people.count)
        return person

    def _course(self, draws: Draws, item: Life) -> tuple[int, int | None, bool]:
        """Return when it was opened and closed, and whether it was merged."""
        until = self._site.until
        taken_up = item.started or item.created
        opened = min(until - moments.HOUR, taken_up + int(draws.skewed(0.1, 4) * moments.DAY))
        closed = opened + int(draws.skewed(0.03, 9) * moments.DAY)
        if item.finished is not None and item.finished > opened:
            closed = min(closed, item.finished)
        if closed > until or draws.chance(0.06):
            return opened, None, False
        return opened, closed, not draws.chance(0.12)

    def _texts(
        self, draws: Draws, item: Life, author: Person
    ) -> tuple[str, str, str | None, tuple[str, ...]]:
        """Return branch, title, body and commit messages, with the key in some of them."""
        plain = item.title.replace("\x00", "")
        slug = "-".join("".join(c for c in word if c.isalnum()) for word in plain.lower().split())
        key, other = item.key, self._other_key(draws, item)
        count = 1 + int(draws.skewed(0, 6))
        messages = [f"Step {number + 1}: {plain}" for number in range(count)]
        if author.is_machine:
            text = f"Bumps a library. Fixes {draws.pick(_FALSE_KEYS)}."
            return f"robot/bump-{draws.below(900)}", "Bump a library", text, tuple(messages[:1])
        place = draws.pick(("branch", "lower", "title", "title", "commit", "body", "two", "none"))
        branch, title, body = f"work/{slug}", plain, f"{plain}\r\n\r\nTested by hand."
        if place == "branch":
            branch = f"feature/{key}-{slug}"
        elif place == "lower":
            branch = f"fix_{key.lower()}_{slug}"
        elif place == "title":
            title = f"{key}: {plain}"
        elif place == "commit":
            messages[-1] = f"{messages[-1]}\n\nRefs {key} and {draws.pick(_FALSE_KEYS)}"
        elif place == "body":
            body = f"{body}\r\n\r\nCloses {self._site.style.site}/browse/{key}"
        elif place == "two":
            title = f"[{key}] [{other}] {plain}"
        if draws.chance(0.05):
            title = f'Revert "{title}"'
        return branch, title, None if draws.chance(0.1) else body, tuple(messages)

    def _other_key(self, draws: Draws, item: Life) -> str:
        project, number = self._lives.place(draws.below(item.index + 1))
        return f"{project.key}-{number}"
