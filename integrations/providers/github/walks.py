"""Which walk an ask belongs to, and what becomes of an answer that cannot be read."""

from typing import Final

from common.errors import TransientError
from integrations.contract import Ask, Fetched, Live, Page
from integrations.providers.github import census, listing, newest, pull_walk, run_walk, together
from integrations.providers.github.deployment_walk import DEPLOYMENTS
from integrations.providers.github.newest import Kind
from integrations.providers.github.replies import CursorError, HeavyError, UnreadableError
from integrations.providers.github.steps import (
    MOST_TRIES,
    AnyStep,
    Extra,
    Group,
    Listing,
    Missing,
    Nested,
    Probe,
    Roster,
    Runs,
    Walk,
    changed,
    read_step,
)

_KINDS: Final[dict[str, Kind]] = {kind.stream: kind for kind in (pull_walk.PULLS, DEPLOYMENTS)}


def fetch(ask: Ask, live: Live) -> Fetched:
    """Do the requests of one ask."""
    step = read_step(ask)
    try:
        return _fetch(ask, step, live)
    except (HeavyError, CursorError) as error:
        raise TransientError(f"GitHub cannot answer: {error}") from None
    except UnreadableError as error:
        return _unreadable(ask, step, error)


def _fetch(ask: Ask, step: AnyStep, live: Live) -> Fetched:
    match step:
        case Walk():
            return newest.walk(_KINDS[ask.stream], ask, step, live)
        case Group():
            return together.together(_KINDS[ask.stream], step, live)
        case Probe():
            return together.probe(_KINDS[ask.stream], step, live)
        case Nested():
            return pull_walk.nested(ask, step, live)
        case Runs():
            return run_walk.runs(ask, step, live)
        case Listing():
            return listing.listing(step, live)
        case Roster():
            return census.roster(step, live)
        case Missing():
            return census.missing(step, live)
        case Extra():
            return census.look_into(step, live)


def _unreadable(ask: Ask, step: AnyStep, error: UnreadableError) -> Fetched:
    """Ask for the same again, a few times; then set the answer aside and leave the walk there.

    Its mark is not given, so that the next run begins at the same place. A census never goes by
    what it cannot read.
    """
    note = f"{error}, which is not what was asked for"
    if step.tries + 1 < MOST_TRIES:
        return Fetched(following=[changed(ask, step, tries=step.tries + 1)], notes=[note])
    if isinstance(step, Roster | Missing | Extra):
        raise TransientError(note)
    return Fetched(
        pages=[Page(stream=ask.stream, answer=error.answer)],
        notes=[f"{note}; it is set aside, and the next run reads on from before it"],
    )
