"""Who may watch what, for many sockets at once: a few queries, however many there are."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final, NamedTuple

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from tenants.api.jwt import digest_of
from tenants.models import ApiToken, Membership, SignIn
from tenants.permissions import Capability
from tenants.scope import every_tenant

_REASON: Final = "finds what the holders of sockets may watch"


class SessionHolder(NamedTuple):
    """Somebody with a session of the site. key: of the session."""

    key: str


class SignInHolder(NamedTuple):
    """A program that signed in by password. credential: `jwt.digest_of` its user then."""

    sign_in_id: int
    credential: str


class TokenHolder(NamedTuple):
    """A program with an API token."""

    api_token_id: int


Holder = SessionHolder | SignInHolder | TokenHolder


class Reach(NamedTuple):
    """What somebody may watch now: topics of these tenants; an operator those of all."""

    user_id: int
    is_operator: bool
    tenants: frozenset[int]

    def covers(self, tenant_id: int) -> bool:
        """Whether topics of this tenant may be watched."""
        return self.is_operator or tenant_id in self.tenants


class _Claim(NamedTuple):
    """Whom a holder is, if the user is as the proof says. tenant_id: of a token, its only one."""

    user_id: int
    proof: str = ""
    tenant_id: int | None = None
    may_operate: bool = True


def reaches(holders: Collection[Holder]) -> dict[Holder, Reach]:
    """Return what each of them may watch now; who may watch nothing is left out.

    A session and a sign-in have to go on, of an active user whose password is still the one that
    they began with; an API token has to be valid, and one that may read.
    """
    with every_tenant(_REASON):
        claims: dict[Holder, _Claim] = {
            **_of_sessions([each.key for each in holders if isinstance(each, SessionHolder)]),
            **_of_sign_ins([each for each in holders if isinstance(each, SignInHolder)]),
            **_of_tokens([each.api_token_id for each in holders if isinstance(each, TokenHolder)]),
        }
        users = {user.pk: user for user in _active({claim.user_id for claim in claims.values()})}
        tenants = _tenants_of(users)
    found = {}
    for holder, claim in claims.items():
        user = users.get(claim.user_id)
        if user is not None and _is_proven(holder, claim, user):
            reach = _reach(claim, user, tenants)
            if reach.is_operator or reach.tenants:
                found[holder] = reach
    return found


def _reach(claim: _Claim, user: User, tenants: Mapping[int, frozenset[int]]) -> Reach:
    own = tenants.get(user.pk, frozenset())
    if claim.tenant_id is not None:
        is_within = user.is_superuser or claim.tenant_id in own
        own = frozenset([claim.tenant_id] if is_within else ())
    return Reach(user.pk, user.is_superuser and claim.may_operate, own)


def _is_proven(holder: Holder, claim: _Claim, user: User) -> bool:
    if isinstance(holder, TokenHolder):
        return True
    if isinstance(holder, SignInHolder):
        return constant_time_compare(claim.proof, digest_of(user))
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return any(constant_time_compare(claim.proof, each) for each in hashes)


def _of_sign_ins(holders: Collection[SignInHolder]) -> dict[Holder, _Claim]:
    if not holders:
        return {}
    keys = {holder.sign_in_id for holder in holders}
    rows = SignIn.objects.filter(pk__in=keys, revoked_at=None, expires_at__gt=timezone.now())
    users = dict(rows.values_list("pk", "user_id"))
    return {
        holder: _Claim(users[holder.sign_in_id], holder.credential)
        for holder in holders
        if holder.sign_in_id in users
    }


def _of_tokens(keys: Collection[int]) -> dict[Holder, _Claim]:
    if not keys:
        return {}
    rows: Any = ApiToken.objects.filter(
        pk__in=keys, revoked_at=None, expires_at__gt=timezone.now(), tenant__is_active=True
    )
    return {
        TokenHolder(pk): _Claim(user_id, "", tenant_id, _names(Capability.OPERATE, scopes))
        for pk, user_id, tenant_id, scopes in rows.values_list(
            "pk", "user_id", "tenant_id", "scopes"
        )
        if _names(Capability.READ, scopes)
    }


def _names(capability: Capability, scopes: Collection[str]) -> bool:
    return capability.name.lower() in scopes


def _of_sessions(keys: Collection[str]) -> dict[Holder, _Claim]:
    found: dict[Holder, _Claim] = {}
    rows = Session.objects.filter(session_key__in=keys, expire_date__gt=timezone.now())
    for row in rows if keys else ():
        data = row.get_decoded()
        user_id, backend = data.get(SESSION_KEY, ""), data.get(BACKEND_SESSION_KEY)
        if user_id.isdecimal() and backend in settings.AUTHENTICATION_BACKENDS:
            claim = _Claim(int(user_id), data.get(HASH_SESSION_KEY, ""))
            found[SessionHolder(row.session_key)] = claim
    return found


def _active(user_ids: Collection[int]) -> Iterable[User]:
    fields = ("id", "password", "is_active", "is_superuser")
    if not user_ids:
        return ()
    return User.objects.filter(pk__in=user_ids, is_active=True).only(*fields)


def _tenants_of(user_ids: Collection[int]) -> dict[int, frozenset[int]]:
    if not user_ids:
        return {}
    rows: Any = Membership.objects.filter(user_id__in=user_ids, tenant__is_active=True)
    found: dict[int, set[int]] = {}
    for user_id, tenant_id in rows.values_list("user_id", "tenant_id"):
        found.setdefault(user_id, set()).add(tenant_id)
    return {user_id: frozenset(tenants) for user_id, tenants in found.items()}
