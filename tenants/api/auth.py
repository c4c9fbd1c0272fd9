"""Signing in by password for programs, and what came of it."""

from typing import Any, cast

from django.contrib.auth import authenticate
from django.contrib.auth.models import User
from django.db.models import QuerySet
from django.utils import timezone
from drf_spectacular.utils import OpenApiExample, extend_schema, extend_schema_view
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.mixins import ListModelMixin, RetrieveModelMixin
from rest_framework.request import Request
from rest_framework.response import Response

from tenants import sign_ins, throttle
from tenants.api import jwt
from tenants.api.bearer import REFUSED, Bearer, valid_sign_in
from tenants.api.fields import ModelSerializer, Serializer
from tenants.api.problems import Problem
from tenants.api.views import LimitedView, TenantViewSet
from tenants.models import SignIn
from tenants.permissions import access_for

WRONG = "Name or password is wrong."
_SECRET_FREE = {"Cache-Control": "no-store"}
_PAIR = OpenApiExample(
    "A pair",
    {"access": "eyJhbGciOiJI….….…", "refresh": "eyJhbGciOiJI….….…", "expires_in_seconds": 600},
    response_only=True,
)


class Credentials(Serializer):
    """Name and password of an account."""

    username = serializers.CharField(max_length=150)
    password = serializers.CharField(max_length=1000, trim_whitespace=False)


class RefreshGiven(Serializer):
    """The newest refresh token of a sign-in."""

    refresh = serializers.CharField(max_length=4096)


class PairShown(Serializer):
    """Tokens. expires_in_seconds: how long the access token is valid."""

    access = serializers.CharField()
    refresh = serializers.CharField()
    expires_in_seconds = serializers.IntegerField()


class OpenView(LimitedView):
    """For whoever shows in the body who they are; sessions and headers are not looked at."""

    authentication_classes = ()
    permission_classes = ()
    throttle_scope = "auth"

    def get_authenticate_header(self, request: Request) -> str:
        return Bearer().authenticate_header(request)


class TokenView(OpenView):
    """Name and password for tokens."""

    @extend_schema(
        operation_id="auth_token",
        summary="Sign in",
        tags=["auth"],
        request=Credentials,
        responses=PairShown,
        examples=[
            OpenApiExample(
                "Sign in",
                {"username": "ada@acme", "password": "correct horse"},
                request_only=True,
            ),
            _PAIR,
        ],
    )
    def post(self, request: Request) -> Response:
        """Give an access and a refresh token for a name and its password.

        Repeated wrong passwords for a name have to wait (429), as on the page.
        """
        given = Credentials(data=request.data)
        given.is_valid(raise_exception=True)
        name, password = given.validated_data["username"], given.validated_data["password"]
        key = throttle.key_of(name, str(request.META.get("REMOTE_ADDR", "")))
        let_wait(key)
        user: Any = authenticate(request._request, username=name, password=password)
        if user is None or access_for(user) is None:
            throttle.failed(key)
            raise AuthenticationFailed(WRONG)
        throttle.succeeded(key)
        return _pair(sign_ins.begin(user), user)


def let_wait(key: str) -> None:
    """Raise Problem (429) for whoever gave too many wrong passwords; see `tenants.throttle`."""
    until = throttle.blocked_until(key)
    if until is None:
        return
    seconds = max(int((until - timezone.now()).total_seconds()) + 1, 1)
    raise Problem(
        429,
        "throttled",
        f"Too many wrong passwords: try again in {seconds} seconds.",
        headers={"Retry-After": str(seconds)},
    )


class RefreshView(OpenView):
    """A refresh token for new tokens."""

    @extend_schema(
        operation_id="auth_refresh",
        summary="Renew the tokens",
        tags=["auth"],
        request=RefreshGiven,
        responses=PairShown,
        examples=[
            OpenApiExample("Renew", {"refresh": "eyJhbGciOiJI….….…"}, request_only=True),
            _PAIR,
        ],
    )
    def post(self, request: Request) -> Response:
        """Give new tokens for the newest refresh token, which is used up by that.

        One that was used before ends the sign-in, with all of its tokens.
        """
        claims, sign_in = _shown(request)
        if not sign_ins.rotate(sign_in, claims.id):
            raise AuthenticationFailed(REFUSED)
        return _pair(sign_in, sign_in.user)


class SignOutView(OpenView):
    """The end of a sign-in."""

    @extend_schema(
        operation_id="auth_sign_out",
        summary="Sign out",
        tags=["auth"],
        request=RefreshGiven,
        responses={204: None},
        examples=[OpenApiExample("Sign out", {"refresh": "eyJhbGciOiJI….….…"}, request_only=True)],
    )
    def post(self, request: Request) -> Response:
        """End the sign-in that a refresh token came of: none of its tokens is valid any more."""
        _, sign_in = _shown(request)
        sign_ins.revoke(sign_in, sign_ins.SIGNED_OUT)
        return Response(status=204)


def _shown(request: Request) -> tuple[jwt.Claims, SignIn]:
    """Return what the refresh token of a body says, and its sign-in, if that is valid."""
    given = RefreshGiven(data=request.data)
    given.is_valid(raise_exception=True)
    claims = jwt.read_refresh(given.validated_data["refresh"])
    sign_in = valid_sign_in(claims)
    if claims is None or sign_in is None:
        raise AuthenticationFailed(REFUSED)
    return claims, sign_in


def _pair(sign_in: SignIn, user: Any) -> Response:
    access, refresh, seconds = jwt.pair_for(sign_in, user)
    shown = PairShown({"access": access, "refresh": refresh, "expires_in_seconds": seconds})
    return Response(shown.data, headers=_SECRET_FREE)


class SignInShown(ModelSerializer):
    """A sign-in that is valid. is_current: whether this request is made by it."""

    is_current = serializers.SerializerMethodField()

    class Meta:
        model = SignIn
        fields = ("id", "created_at", "refreshed_at", "expires_at", "is_current")

    def get_is_current(self, row: SignIn) -> bool:
        return row == current_sign_in(self.context["request"])


def current_sign_in(request: Request) -> SignIn | None:
    """Return the sign-in by which a request is made; None for a session."""
    found: SignIn | None = getattr(request.auth, "sign_in", None)
    return found


@extend_schema(tags=["auth"])
@extend_schema_view(
    list=extend_schema(summary="List your sign-ins"),
    retrieve=extend_schema(summary="Read one of your sign-ins"),
)
class SignInsViewSet(ListModelMixin, RetrieveModelMixin, TenantViewSet):
    """Your own sign-ins by password that are valid, in whichever program."""

    model = SignIn
    serializer_class = SignInShown
    orderings = {"id": "pk", "created_at": "created_at"}
    capabilities = {"list": None, "retrieve": None, "destroy": None}
    people_only = True

    def rows(self) -> QuerySet[Any]:
        return SignIn.objects.filter(
            user=cast(User, self.request.user), revoked_at=None, expires_at__gt=timezone.now()
        )

    @extend_schema(summary="End a sign-in", responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """End it: none of its tokens is valid any more."""
        sign_ins.revoke(self.get_object(), sign_ins.SIGNED_OUT)
        return Response(status=204)
