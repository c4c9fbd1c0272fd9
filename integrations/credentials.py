"""Credentials of integrations: sealed, opened for a site that is signed in, renewed by one.

A credential is renewed under a lease on its integration's row, since sources take a rotating
refresh token only once. No HTTP happens inside a transaction. All of it in the tenant's scope.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from common.errors import PermanentError, PipelineError, TransientError, UsageError, WaitError
from common.http import Site
from common.redaction import Redactor
from common.secrets import SecretBox
from common.transport import Limits
from integrations import egress
from integrations.budget import SharedBudget
from integrations.contract import Access, AuthMethod, Connector, auth_method, setting_fields
from integrations.errors import FieldError
from integrations.models import Integration
from integrations.own_budget import OwnBudget
from integrations.registry import connector_for
from integrations.settings import read_settings

RENEWAL_DEADLINE_SECONDS: Final = 30.0
RENEWAL_LEASE: Final = timedelta(seconds=120)
"""Longer than a renewal takes, which is a few requests of at most that deadline each."""
_RENEWING_SECONDS: Final = 1.0
_SHORTEST_HEADER_SECRET: Final = 16


@dataclass(frozen=True, repr=False)
class _SignedIn:
    """An integration's connector and settings with its opened credentials. sealed: as stored."""

    connector: Connector
    settings: Any
    method: AuthMethod
    sealed: str
    credentials: Mapping[str, str]
    access: Access

    def secrets(self) -> set[str]:
        """Return what no answer, error or log may show."""
        shown = {field.name for field in self.method.fields if not field.is_secret}
        found = {
            value
            for name, value in self.credentials.items()
            # What a renewal adds is secret unless its name says that it is a time or an id.
            if name not in shown and not name.endswith(("_at", "_id"))
        }
        for name, value in self.access.headers.items():
            if name.lower() == "authorization":
                found |= {part for part in value.split() if len(part) >= _SHORTEST_HEADER_SECRET}
        return found


# ---- storing


def store_credentials(integration: Integration, method: str, values: Mapping[str, str]) -> None:
    """Seal credentials into the integration, with how to sign in and whose budget they share.

    method: the slug of one of the provider's ways to sign in. values: by the names of its
    fields; empty ones count as missing. Raises UsageError that says what is missing, unknown or
    wrong; nothing is sent and nothing changed then.
    """
    connector = connector_for(integration.provider)
    declared = _method(connector, method)
    given = _complete(declared, values)
    options = read_settings(connector, integration)
    access = connector.access(integration.base_url, options, method, given)
    integration.auth_method = method
    integration.credentials = secret_box().seal(given, _context(integration))
    integration.budget_key = _budget_key(integration, access)
    integration.renewing_until = None
    integration.credentials_expire_at = None
    integration.save(
        update_fields=[
            "auth_method",
            "credentials",
            "budget_key",
            "renewing_until",
            "credentials_expire_at",
            "updated_at",
        ]
    )


def change_credentials(integration: Integration, method: str, values: Mapping[str, str]) -> None:
    """Seal credentials in place of others; names and ids are kept where no others are given.

    Without any value those that are sealed are kept. See `store_credentials`.
    """
    is_same_way = bool(integration.credentials) and integration.auth_method == method
    if not is_same_way:
        store_credentials(integration, method, values)
    elif any(value.strip() for value in values.values()):
        store_credentials(integration, method, _names_and_ids(integration) | _filled(values))
    else:
        _sign_in(integration)


def _filled(values: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in values.items() if value.strip()}


def _names_and_ids(integration: Integration) -> dict[str, str]:
    """Return the stored values that are no secret; none if their key is lost."""
    fields = _method(connector_for(integration.provider), integration.auth_method).fields
    try:
        sealed = secret_box().unseal(integration.credentials, _context(integration))
    except PermanentError:
        return {}
    kept = [each.name for each in fields if each.is_required and not each.is_secret]
    return {name: sealed[name] for name in kept}


def kept_names(integration: Integration) -> set[str]:
    """Return the names of the values that are sealed; none if their key is lost."""
    if not integration.credentials:
        return set()
    try:
        return set(secret_box().unseal(integration.credentials, _context(integration)))
    except PermanentError:
        return set()


def addresses(connector: Connector, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that say where requests, and so credentials, are sent."""
    return {
        each.name: settings.get(each.name, each.default)
        for each in setting_fields(connector.settings_type)
        if each.kind == "address"
    }


def base_url_needs_secret(old: str, new: str) -> bool:
    """Tell whether an address change demands the credentials again: to whoever names another
    host, port, scheme or path, the stored ones must not be sent."""
    return bool(old) and old.rstrip("/") != new.rstrip("/")


def _method(connector: Connector, slug: str) -> AuthMethod:
    try:
        return auth_method(connector, slug)
    except KeyError:
        known = ", ".join(each.slug for each in connector.auth_methods)
        raise FieldError(
            "method", f"{connector.label} cannot sign in by {slug!r}; there are: {known}"
        ) from None


def _complete(method: AuthMethod, values: Mapping[str, str]) -> dict[str, str]:
    """Return the values that are given; raise UsageError for missing and unknown ones."""
    given = {name: value.strip() for name, value in values.items() if value.strip()}
    names = [field.name for field in method.fields]
    if unknown := sorted(set(given) - set(names)):
        raise FieldError(
            "credentials",
            f"{method.label} takes no {', '.join(unknown)}; it takes {', '.join(names)}",
        )
    missing = [
        f"{each.label} ({each.name})"
        for each in method.fields
        if each.is_required and each.name not in given
    ]
    if missing:
        raise FieldError("credentials", f"to sign in by {method.slug!r}, give {', '.join(missing)}")
    return given


def _context(integration: Integration) -> str:
    return f"tenant {integration.tenant_id} integration {integration.pk}"


def _budget_key(integration: Integration, access: Access) -> str:
    host = (urlsplit(integration.base_url).hostname or "").lower()
    return secret_box().keyed_digest(f"{integration.provider} {host} {access.owner}")


def secret_box() -> SecretBox:
    return _box_of(tuple(settings.CREDENTIAL_KEYS))


@lru_cache(maxsize=4)
def _box_of(keys: tuple[str, ...]) -> SecretBox:
    return SecretBox(keys)


# ---- opening


def open_site(
    integration: Integration,
    limits: Limits | None = None,
    *,
    before_request: Callable[[], None] | None = None,
) -> Site:
    """Return the integration's site, signed in, with its shared budget.

    limits: what its answers may take, None for the usual. before_request: may raise, so that
    nothing is asked.

    Renews the credentials first if their time has come. Raises WaitError while another worker
    renews them, UsageError for settings and PermanentError for credentials that are no good.
    """
    signed = _sign_in(integration)
    if _is_due(signed.access):
        signed = _renewed(integration, signed)
    key = _budget_key(integration, signed.access)
    if key != integration.budget_key:
        integration.budget_key = key
        integration.save(update_fields=["budget_key"])
    held = OwnBudget(key, integration.pk, integration.requests_per_hour, before_request)
    return _site(signed, held, limits)


def try_site(
    integration: Integration, method: str, values: Mapping[str, str], limits: Limits | None = None
) -> Site:
    """Return a site that is signed in by credentials which are not saved, nor will be.

    integration: not saved either, perhaps; of one that has credentials the names and ids are
    used where no others are given, as by `change_credentials`. Raises UsageError for what is
    missing or cannot be tried, and as `open_site` does.
    """
    connector = connector_for(integration.provider)
    declared, options = _method(connector, method), read_settings(connector, integration)
    if integration.credentials and integration.auth_method == method:
        values = _names_and_ids(integration) | _filled(values)
    given = _complete(declared, values)
    access = connector.access(integration.base_url, options, method, given)
    trial = copy(integration)
    trial.budget_key = _budget_key(integration, access)
    signed = _SignedIn(connector, options, declared, "", given, access)
    if _is_due(access):
        if declared.is_used_up:
            raise FieldError(
                "credentials", "what signs in by this way is used up by it: save, then test"
            )
        with _redacted(signed.secrets()):
            given = connector.renew(
                integration.base_url,
                options,
                method,
                given,
                lambda url, headers: _signing_in_site(trial, url, headers),
            )
            access = connector.access(integration.base_url, options, method, given)
        signed = replace(signed, credentials=given, access=access)
    return _site(signed, SharedBudget(trial.budget_key), limits)


def _site(signed: _SignedIn, budget: SharedBudget, limits: Limits | None) -> Site:
    return Site(
        signed.access.api_url,
        signed.access.headers,
        budget=budget,
        policy=egress.policy(),
        secrets=signed.secrets(),
        limits=limits or egress.limits(),
        watched=signed.access.expiry_header,
    )


def _is_due(access: Access) -> bool:
    return access.renew_at is not None and access.renew_at <= timezone.now()


def _sign_in(integration: Integration) -> _SignedIn:
    if not integration.credentials:
        raise UsageError(
            f"integration {integration.name} has no credentials: add them to its connection"
        )
    connector = connector_for(integration.provider)
    method = _method(connector, integration.auth_method)
    options = read_settings(connector, integration)
    credentials = secret_box().unseal(integration.credentials, _context(integration))
    access = connector.access(integration.base_url, options, method.slug, credentials)
    return _SignedIn(connector, options, method, integration.credentials, credentials, access)


# ---- renewing


def _renewed(integration: Integration, signed: _SignedIn) -> _SignedIn:
    """Renew the credentials unless somebody else just did; return what is signed in by them."""
    lease = _lease(integration, signed)
    if lease is None:
        integration.refresh_from_db(fields=["credentials", "auth_method", "base_url", "settings"])
        if integration.credentials != signed.sealed:
            fresh = _sign_in(integration)
            if not _is_due(fresh.access):
                return fresh
        raise WaitError("another worker is renewing the credentials", _RENEWING_SECONDS)
    with _released(integration, lease), _redacted(signed.secrets()):
        credentials = signed.connector.renew(
            integration.base_url,
            signed.settings,
            signed.method.slug,
            signed.credentials,
            lambda url, headers: _signing_in_site(integration, url, headers),
        )
        return _save(integration, signed, credentials)


def _save(integration: Integration, signed: _SignedIn, new: Mapping[str, str]) -> _SignedIn:
    """Seal renewed credentials at once, for the old ones may be dead; unless a person entered
    others meanwhile, which count."""
    sealed = secret_box().seal(new, _context(integration))
    _row(integration, credentials=signed.sealed).update(credentials=sealed)
    integration.refresh_from_db(fields=["credentials", "auth_method", "base_url", "settings"])
    fresh = _sign_in(integration)
    if _is_due(fresh.access):
        raise PermanentError(
            "the renewed credentials are due to be renewed again at once; compare the clocks of "
            "this machine and of the source"
        )
    return fresh


def _lease(integration: Integration, signed: _SignedIn) -> datetime | None:
    """Take the right to renew; return until when, None if somebody else has it or is done."""
    now = timezone.now()
    until = now + RENEWAL_LEASE
    free = Q(renewing_until__isnull=True) | Q(renewing_until__lte=now)
    rows = _row(integration, credentials=signed.sealed).filter(free)
    return until if rows.update(renewing_until=until) else None


@contextmanager
def _released(integration: Integration, lease: datetime) -> Iterator[None]:
    try:
        yield
    finally:
        _row(integration, renewing_until=lease).update(renewing_until=None)


def _row(integration: Integration, **conditions: Any) -> Any:
    return Integration.objects.filter(pk=integration.pk, **conditions)


def _signing_in_site(integration: Integration, url: str, headers: Mapping[str, str]) -> Site:
    """Open an address for a renewal. Its answers hold new tokens and are not redacted: they are
    read by the connector and not kept."""
    return Site(
        egress.check_url(url),
        headers,
        budget=SharedBudget(integration.budget_key),
        policy=egress.policy(),
        limits=replace(egress.limits(), deadline_seconds=RENEWAL_DEADLINE_SECONDS),
    )


@contextmanager
def _redacted(secrets: set[str]) -> Iterator[None]:
    """Let no error of a renewal carry a secret, nor the answer that holds one."""
    try:
        yield
    except PipelineError as error:
        text = Redactor(secrets).text(str(error))
        if isinstance(error, WaitError):
            raise WaitError(text, error.retry_after_seconds or _RENEWING_SECONDS) from None
        if isinstance(error, TransientError):
            raise TransientError(text, error.retry_after_seconds) from None
        raise PermanentError(text) from None
