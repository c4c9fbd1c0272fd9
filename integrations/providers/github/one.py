"""Fetches one pull request, which a webhook was about."""

from integrations.contract import Ask, Fetched, Live, Page
from integrations.providers.github import queries
from integrations.providers.github.client import Client
from integrations.providers.github.newest import milliseconds, moment_of
from integrations.providers.github.pull_walk import nested_asks
from integrations.providers.github.replies import RepositoryNode
from integrations.providers.github.steps import One


def fetch(ask: Ask, step: One, live: Live) -> Fetched:
    """Fetch a pull request as it is now, with what belongs to it; no mark moves.

    What the settings do not select is left out, whatever the webhook said of it.
    """
    variables = {"id": step.node, "number": step.number}
    reply = Client(live.site).graphql(queries.PULL, variables)
    repository = reply.one("node", RepositoryNode)
    what = f"pull request {step.number} of repository {ask.part}"
    if repository is None or repository.pull_request is None:
        return Fetched(notes=[f"{what} is not there any more", *reply.notes()])
    pull = repository.pull_request
    at = moment_of(pull.updated_at, reply.answer)
    starts = live.settings.starts_at
    is_selected = live.settings.takes(repository.name_with_owner)
    if str(repository.database_id) != ask.part or not is_selected:
        note = f"{what} is not selected: it is one of {repository.name_with_owner}"
    elif starts is not None and at < milliseconds(starts):
        note = f"{what} is from before the start date"
    else:
        page = Page(stream=ask.stream, answer=reply.answer)
        following = list(nested_asks(ask.part, pull, at))
        return Fetched(pages=[page], following=following, notes=reply.notes())
    kept = Page(stream=ask.stream, answer=reply.answer, is_data=False)
    return Fetched(pages=[kept], notes=[note])
