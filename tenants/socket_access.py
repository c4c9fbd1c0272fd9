"""Who may watch what, for many sockets at once: a few queries, however many there are."""

from collections.abc import Collection, Iterable
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from tenants.models import Membership
from tenants.scope import every_tenant

_REASON: Final = "finds what the holders of sockets may watch"


class SessionHolder(NamedTuple):
    """Somebody with a session of the site. key: of the session."""

    key: str


Holder = SessionHolder


class Reach(NamedTuple):
    """What somebody may watch now: topics of these tenants; an operator those of all."""

    user_id: int
    is_operator: bool
    tenants: frozenset[int]

    def covers(self, tenant_id: int) -> bool:
        """Whether topics of this tenant may be watched."""
        return self.is_operator or tenant_id in self.tenants


def reaches(holders: Collection[Holder]) -> dict[Holder, Reach]:
    """Return what each of them may watch now; who may watch nothing is left out.

    A session has to be one that has not ended, of an active user whose password is still the one
    that it began with.
    """
    with every_tenant(_REASON):
        claims = _of_sessions({holder.key for holder in holders})
        users = {user.pk: user for user in _active({claim[0] for claim in claims.values()})}
        tenants = _tenants_of(users)
    found: dict[Holder, Reach] = {}
    for key, (user_id, session_hash) in claims.items():
        user = users.get(user_id)
        if user is None or not _is_hash_of(user, session_hash):
            continue
        reach = Reach(user_id, user.is_superuser, frozenset(tenants.get(user_id, ())))
        if reach.is_operator or reach.tenants:
            found[SessionHolder(key)] = reach
    return found


def _of_sessions(keys: Collection[str]) -> dict[str, tuple[int, str]]:
    """Return whom each of the sessions is of, and the hash that it began with."""
    found = {}
    rows = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    for row in rows if keys else ():
        data = row.get_decoded()
        user_id = data.get(SESSION_KEY, "")
        if (
            user_id.isdecimal()
            and data.get(BACKEND_SESSION_KEY) in settings.AUTHENTICATION_BACKENDS
        ):
            found[row.session_key] = (int(user_id), data.get(HASH_SESSION_KEY, ""))
    return found


def _active(user_ids: Collection[int]) -> Iterable[User]:
    fields = ("id", "password", "is_active", "is_superuser")
    if not user_ids:
        return ()
    return User.objects.filter(pk__in=user_ids, is_active=True).only(*fields)


def _tenants_of(user_ids: Collection[int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    rows: Any = Membership.objects.filter(user_id__in=user_ids, tenant__is_active=True)
    for user_id, tenant_id in rows.values_list("user_id", "tenant_id") if user_ids else ():
        found.setdefault(user_id, []).append(tenant_id)
    return found


def _is_hash_of(user: User, session_hash: str) -> bool:
    """Whether a session began with the user's password of now, under any key that still counts."""
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return any(constant_time_compare(session_hash, each) for each in hashes)
