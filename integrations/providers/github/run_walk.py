"""Walks workflow runs by windows of time, since GitHub gives a thousand of a filter at most."""

from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec

from common.errors import RecordError
from common.http import Answer
from common.times import parse_time
from integrations.contract import Ask, Fetched, Live, Mark, Page
from integrations.providers.github.client import Client, request_of
from integrations.providers.github.limits import server_time
from integrations.providers.github.newest import milliseconds
from integrations.providers.github.replies import decoded
from integrations.providers.github.steps import Repo, Runs, ask_of

STREAM: Final = "workflow_runs"
MOST_OF_A_FILTER: Final = 1000
NO_RUNS: Final = {
    404: "Actions is off",
    409: "it is empty",
    410: "Actions is off",
    451: "not available for legal reasons",
}
"""What the statuses mean with which a repository has no list of runs."""
_SHORTEST: Final = timedelta(minutes=1)
_BEGINNING: Final = datetime(2018, 1, 1, tzinfo=UTC)  # before there was GitHub Actions


class _Run(msgspec.Struct, gc=False):
    created_at: str


class _Listed(msgspec.Struct):
    total_count: int = 0
    workflow_runs: list[_Run | None] = []


_LISTED: Final = msgspec.json.Decoder(_Listed)


def runs_ask(live: Live, repo: Repo) -> Ask:
    """Return the ask that begins the walk of a repository's runs.

    A run that is run again keeps its time, so that the last days are read again each time.
    """
    since, until = _window(live, repo)
    return ask_of(STREAM, repo.part, Runs(since=since, until=until), since, until, 0)


def _window(live: Live, repo: Repo) -> tuple[str, str]:
    """Return from when, and until when (empty for no end), runs are asked for."""
    born = _moment(repo.created_at or "") or _BEGINNING
    if live.mode == "backfill":
        return _text(live.since or born), _text(live.until) if live.until else ""
    mark = (live.mark(STREAM, repo.part) or {}).get("created")
    since = born
    if isinstance(mark, int):
        since = parse_time(mark, "created") - timedelta(days=live.settings.runs_days)
    return _text(max(since, live.settings.starts_at or since)), ""


def runs(ask: Ask, step: Runs, live: Live) -> Fetched:
    """Fetch a page of runs; a window with more than can be had is split in two."""
    client = Client(live.site)
    if step.url:
        answer = client.get(step.url, passed=NO_RUNS)
    else:
        created = f"{step.since}..{step.until}" if step.until else f">={step.since}"
        params: dict[str, str | int] = {"created": created, "per_page": 100}
        path = f"/repositories/{ask.part}/actions/runs"
        answer = client.get(path, params, passed=NO_RUNS)
    if answer.status != 200:
        return Fetched(
            notes=[f"repository {ask.part} has no workflow runs: {NO_RUNS[answer.status]}"]
        )
    listed = decoded(answer, _LISTED, STREAM)
    marks = _marks(ask, step, live, listed, answer)
    fetched = Fetched(pages=[Page(stream=STREAM, answer=answer)], marks=marks)
    if listed.total_count > MOST_OF_A_FILTER and not step.url:
        halves = _halves(ask, step, answer)
        if halves:
            return Fetched(following=halves, marks=marks)
        fetched.notes.append(
            f"repository {ask.part} has {listed.total_count} workflow runs in the minute of "
            f"{step.since}; GitHub gives {MOST_OF_A_FILTER} of them"
        )
    url = client.next_url(answer)
    if url is not None:
        what = f"{request_of(answer)}: workflow runs of repository {ask.part}"
        page, loop = step.page + 1, step.loop.at(url, what)
        following = Runs(since=step.since, until=step.until, url=url, page=page, loop=loop)
        fetched.following.append(ask_of(STREAM, ask.part, following, step.since, step.until, page))
    return fetched


def _halves(ask: Ask, step: Runs, answer: Answer) -> list[Ask]:
    """Return the asks for both halves of a window; none if it is too short for that."""
    since, until = _moment(step.since), _moment(step.until) or server_time(answer)
    if since is None or until - since <= _SHORTEST:
        return []
    middle = since + (until - since) / 2
    windows = (
        (step.since, _text(middle)),
        (_text(middle + timedelta(seconds=1)), step.until),
    )
    return [
        ask_of(STREAM, ask.part, Runs(since=first, until=last), first, last, 0)
        for first, last in windows
    ]


def _marks(ask: Ask, step: Runs, live: Live, listed: _Listed, answer: Answer) -> list[Mark]:
    """Return the mark: the newest run, which is on the first page of the window without an end."""
    if step.url or step.until or live.mode == "backfill":
        return []
    times = [_moment(run.created_at) for run in listed.workflow_runs if run]
    newest = max((time for time in times if time), default=None)
    if newest is None:
        return []
    value = {"created": milliseconds(min(newest, server_time(answer)))}
    return [Mark(stream=STREAM, part=ask.part, value=value)]


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _moment(text: str) -> datetime | None:
    try:
        return parse_time(text, "created_at")
    except RecordError:
        return None
