"""Which walk an ask belongs to."""

from typing import Final

from common.errors import TransientError
from integrations.contract import Ask, Fetched, Live
from integrations.providers.github import (
    census,
    listing,
    newest,
    one,
    pull_walk,
    run_walk,
    together,
)
from integrations.providers.github.deployment_walk import DEPLOYMENTS
from integrations.providers.github.newest import Kind
from integrations.providers.github.replies import CursorError, HeavyError
from integrations.providers.github.settings import GitHubSettings
from integrations.providers.github.steps import (
    AnyStep,
    Extra,
    Group,
    Listing,
    Missing,
    Nested,
    One,
    Probe,
    Roster,
    Runs,
    Walk,
    read_step,
)

_KINDS: Final[dict[str, Kind]] = {kind.stream: kind for kind in (pull_walk.PULLS, DEPLOYMENTS)}


def fetch(ask: Ask, live: Live) -> Fetched:
    """Do the requests of one ask; none of a stream that was switched off since it was made."""
    step = read_step(ask)
    if not is_wanted(ask.stream, live):
        return Fetched(notes=[f"{ask.stream} are switched off: they are not read on"])
    try:
        return _fetch(ask, step, live)
    except (HeavyError, CursorError) as error:
        raise TransientError(f"GitHub cannot answer: {error}") from None


def is_wanted(stream: str, live: Live) -> bool:
    """Tell whether the settings ask for a stream."""
    settings: GitHubSettings = live.settings
    chosen = {"deployments": settings.deployments, "workflow_runs": settings.workflow_runs}
    return chosen.get(stream, True)


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
        case One():
            return one.fetch(ask, step, live)
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
