"""One ask → its requests: which step of which walk does them."""

from typing import assert_never

from integrations.contract import Ask, Fetched, Live

from . import (
    census,
    changed,
    history_walk,
    issue_walk,
    metadata,
    places,
    reconcile,
    sprint_walk,
    windows,
)
from .client import Client


def fetch(ask: Ask, live: Live) -> Fetched:
    """Do the requests of one ask. Raises TransientError, WaitError, PermanentError."""
    client, part = Client(live), ask.part
    if ask.stream == sprint_walk.STREAM and not client.settings.sprints:
        return Fetched(notes=["Sprints are switched off: they are not read on"])
    match places.place_of(ask):
        case places.Roster() as place:
            return metadata.fetch_roster(place, client)
        case places.Listing():
            return metadata.fetch_list(client, ask.stream)
        case places.FieldList() as place:
            return metadata.fetch_fields(place, client)
        case places.First() as place:
            return windows.fetch_first(place, client)
        case places.Split() as place:
            return windows.fetch_split(place, part, client)
        case places.Walk() as place:
            return issue_walk.fetch(place, part, client)
        case places.Histories() as place:
            return history_walk.fetch(place, part, client)
        case places.Boards() as place:
            return sprint_walk.fetch_boards(place, client)
        case places.BoardSprints() as place:
            return sprint_walk.fetch_sprints(place, part, client)
        case places.Census() | places.LostProjects() as place:
            return _count(place, part, client)
        case places.Changed() as place:
            return changed.fetch(place, part, client)
        case places.Missing() | places.Extra() | places.Lost() as place:
            return _reconcile(place, part, client)
        case never:
            assert_never(never)


def _count(place: places.Census | places.LostProjects, part: str, client: Client) -> Fetched:
    if isinstance(place, places.Census):
        return census.fetch_census(place, part, client)
    return census.fetch_lost_projects(place, client)


def _reconcile(
    place: places.Missing | places.Extra | places.Lost, part: str, client: Client
) -> Fetched:
    match place:
        case places.Missing():
            return reconcile.fetch_missing(place, part, client)
        case places.Extra():
            return reconcile.fetch_extra(place, part, client)
        case places.Lost():
            return reconcile.fetch_lost(place, part, client)
