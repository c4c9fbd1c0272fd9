"""One's own password."""

from typing import Any

from django.contrib.auth import update_session_auth_hash
from django.core.exceptions import ValidationError
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from tenants import passwords, throttle
from tenants.api.auth import let_wait
from tenants.api.fields import Serializer, Text
from tenants.api.views import ScopedView


class PasswordGiven(Serializer):
    """The password that was, and the one that is to be."""

    old = Text(max_length=1000, trim_whitespace=False)
    new = Text(max_length=1000, trim_whitespace=False)


class PasswordView(ScopedView):
    """One's own password."""

    capabilities = {"post": None}
    people_only = True
    throttle_scope = "auth"

    @extend_schema(
        operation_id="me_password",
        summary="Change your password",
        tags=["me"],
        request=PasswordGiven,
        responses={204: None},
        examples=[
            OpenApiExample(
                "Another", {"old": "correct horse", "new": "battery staple"}, request_only=True
            )
        ],
    )
    def post(self, request: Request) -> Response:
        """Change your password. Every sign-in ends, also that which this request is made by: sign
        in anew. API tokens go on; revoke them where somebody knew the password.

        Repeated wrong passwords have to wait (429), as at signing in.
        """
        given = PasswordGiven(data=request.data)
        given.is_valid(raise_exception=True)
        user: Any = request.user
        key = throttle.key_of(user.get_username(), str(request.META.get("REMOTE_ADDR", "")))
        let_wait(key)
        try:
            passwords.change(user, **given.validated_data, key=key)
        except passwords.WrongPasswordError as error:
            raise serializers.ValidationError({"old": [str(error)]}) from None
        except ValidationError as error:
            raise serializers.ValidationError({"new": error.messages}) from None
        if request.auth is None:  # of sessions, this one goes on
            update_session_auth_hash(request._request, user)
        return Response(status=204)
