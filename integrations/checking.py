"""Looking at a source: the test of a connection, and what there is to choose from.

Of what is saved, or of the values of a form that is not.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any, Final

from django.utils import timezone

from common.errors import PipelineError, UsageError
from common.http import Site
from common.transport import Limits
from integrations import egress
from integrations.contract import Check, Connector, Found
from integrations.credentials import open_site, try_site
from integrations.expiry import note_expiry
from integrations.live import LiveSource
from integrations.models import Integration
from integrations.registry import connector_for
from integrations.services import Connection, method_of, take_over
from tenants.models import Tenant

TEST_SECONDS: Final = 120.0
"""How long a connection test goes on; the step that is under way is let end."""
ANSWER_SECONDS: Final = 20.0
DISCOVERY_SECONDS: Final = 25.0
MOST_FOUND: Final = 500


class Trial(LiveSource):
    """A source as its connector sees it, for a look at it: there is no run and no checkpoint.

    is_saved: whether it is the integration just as it is kept.
    """

    def __init__(
        self, integration: Integration, open_: Callable[[], Site], *, is_saved: bool
    ) -> None:
        """Raise UsageError for settings that the provider does not take; nothing is sent."""
        super().__init__(integration, mode="incremental", started_at=timezone.now(), open_=open_)
        self.integration = integration
        self.is_saved = is_saved

    def mark(self, stream: str, part: str) -> Mapping[str, Any] | None:
        """Return None: nothing is covered."""
        return None


def limits() -> Limits:
    """Return what an answer may take while somebody waits for it."""
    usual = egress.limits()
    return replace(usual, deadline_seconds=min(usual.deadline_seconds, ANSWER_SECONDS))


def saved(integration: Integration) -> Trial:
    """Return a look at an integration as it is kept."""
    return Trial(integration, lambda: open_site(integration, limits()), is_saved=True)


def unsaved(tenant: Tenant, integration: Integration | None, connection: Connection) -> Trial:
    """Return a look at a source by values that are not saved.

    integration: the one that they are of, None for a new one. Where no credentials are given
    those that it keeps are used, if they may go there. Raises UsageError as `services.connect`.
    """
    connector = connector_for(connection.provider)
    row = (
        Integration(tenant=tenant, provider=connector.slug, name=connection.name)
        if integration is None
        else copy(integration)
    )
    if not connection.signs_in:
        raise UsageError("without a way to sign in there is nothing to ask")
    method = method_of(connector, row, connection)
    take_over(connector, row, connection)
    is_kept = bool(row.credentials) and row.auth_method == method
    if is_kept and not connection.gives_credentials:
        same = integration is not None and (row.base_url, row.settings) == (
            integration.base_url,
            integration.settings,
        )
        return Trial(row, lambda: open_site(row, limits()), is_saved=same)
    return Trial(
        row, lambda: try_site(row, method, connection.credentials, limits()), is_saved=False
    )


# ---- the test of a connection


def steps(trial: Trial) -> Iterator[Check]:
    """Test a connection step by step; the first step that fails is the last."""
    connector, began = connector_for(trial.integration.provider), time.monotonic()
    try:
        trial.site  # noqa: B018 - signs in, which may fail by itself
        for each in connector.check(trial):
            yield each
            if each.is_ok and time.monotonic() - began > TEST_SECONDS:
                yield _failed(trial, f"the test was ended after {TEST_SECONDS:.0f} seconds")
                return
    except PipelineError as error:
        yield _failed(trial, str(error))
    finally:
        if trial.is_saved and (site := trial.opened) is not None:
            note_expiry(trial.integration, site)


def _failed(trial: Trial, detail: str) -> Check:
    return Check(step="connect", request=trial.integration.base_url, is_ok=False, detail=detail)


def check(integration: Integration) -> list[Check]:
    """Test an integration step by step and keep what was found as its health."""
    try:
        found = list(steps(saved(integration)))
    except UsageError as error:
        base = integration.base_url
        found = [Check(step="connect", request=base, is_ok=False, detail=str(error))]
    keep_health(integration, found)
    return found


def keep_health(integration: Integration, found: Sequence[Check]) -> None:
    """Keep what a test of a saved integration found as its health, unless it was changed
    meanwhile: then the test says nothing about it."""
    failed = next((each for each in found if not each.is_ok), None)
    integration.is_healthy = failed is None
    integration.health_message = "" if failed is None else f"{failed.step}: {failed.detail}"
    integration.health_checked_at = timezone.now()
    unchanged = Integration.objects.filter(pk=integration.pk, updated_at=integration.updated_at)
    unchanged.update(
        is_healthy=integration.is_healthy,
        health_message=integration.health_message,
        health_checked_at=integration.health_checked_at,
    )


# ---- discovery


@dataclass(frozen=True)
class Finds:
    """What was found. is_all: the source has no more that the search would match."""

    found: list[Found]
    is_all: bool


def discover(trial: Trial, slug: str, search: str = "") -> Finds:
    """Return what the source has to choose from, MOST_FOUND at most.

    slug: of one of the provider's discoveries. Raises UsageError for another, and PipelineError
    that says why the source does not answer.
    """
    connector: Connector = connector_for(trial.integration.provider)
    if slug not in {each.slug for each in connector.discoveries}:
        raise UsageError(f"{connector.label} has no {slug!r} to choose from")
    words, began = search.strip()[:100], time.monotonic()
    found: dict[str, Found] = {}
    for each in connector.discover(trial, slug, words):
        if time.monotonic() - began > DISCOVERY_SECONDS:
            return Finds(list(found.values()), is_all=False)
        if not each.matches(words) or each.value in found:
            continue
        if len(found) >= MOST_FOUND:
            return Finds(list(found.values()), is_all=False)
        found[each.value] = each
    return Finds(list(found.values()), is_all=True)
