"""Joining a tenant by an invitation: `/admin/join/`, which anybody may open.

The token comes in the address once, is put into the session and leaves the address, so that it
stays out of logs of paths, histories and referrers.
"""

from typing import Any, Final

from django import forms
from django.contrib import admin, messages
from django.contrib.auth import login, logout
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import reverse
from unfold.widgets import UnfoldAdminPasswordWidget, UnfoldAdminTextInputWidget

from common.errors import UsageError
from tenants import invitations
from tenants.login import SignInForm
from tenants.models import Invitation
from tenants.permissions import CHOICE_KEY

INVITATION_KEY: Final = "invitation"
"""Key of the session under which the token waits to be used."""
_BACKEND: Final = "django.contrib.auth.backends.ModelBackend"


class AccountForm(forms.Form):
    """A new account: a name, which the tenant's is put behind, and a password twice."""

    name = forms.CharField(
        max_length=60,
        validators=[
            RegexValidator(r"^[\w.+-]+$", "Use letters, digits and . + - _ only, without spaces.")
        ],
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "username"}),
    )
    password1 = forms.CharField(
        label="Password",
        strip=False,
        help_text="At least 8 characters, and none of the common ones.",
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )
    password2 = forms.CharField(
        label="Password again",
        strip=False,
        widget=UnfoldAdminPasswordWidget(attrs={"autocomplete": "new-password"}),
    )

    def clean_password2(self) -> str:
        again: str = self.cleaned_data["password2"]
        if again != self.cleaned_data.get("password1", again):
            raise ValidationError("The two passwords differ.")
        return again


def join(request: HttpRequest) -> HttpResponse:
    """Lead whoever holds an invitation in: as who they are, by signing in, or by a new account."""
    if token := request.GET.get("token"):
        request.session[INVITATION_KEY] = token[:200]
        return HttpResponseRedirect(reverse("admin:join"))
    invitation = invitations.find(request.session.get(INVITATION_KEY, ""))
    if invitation is None:
        return _page(request, None, status=404)
    way = request.POST.get("way", "")
    if request.user.is_authenticated:
        if request.method == "POST" and way == "join":
            return _joined(request, invitation, request.user)
        member = invitations.is_member(invitation, request.user)
        return _page(request, invitation, is_member=member)
    sign_in = SignInForm(request, request.POST if way == "sign-in" else None)
    account = AccountForm(request.POST if way == "account" else None, prefix="new")
    if way == "sign-in" and sign_in.is_valid():
        return _joined(request, invitation, sign_in.get_user())
    if way == "account" and account.is_valid():
        user = _made(invitation, account)
        if user is not None:
            return _welcome(request, invitation, user)
    return _page(request, invitation, sign_in=sign_in, account=account)


def leave_to_join(request: HttpRequest) -> HttpResponse:
    """Sign out, keeping the invitation, so that somebody else may sign in and join."""
    token = request.session.get(INVITATION_KEY, "")
    logout(request)
    request.session[INVITATION_KEY] = token
    return HttpResponseRedirect(reverse("admin:join"))


def _made(invitation: Invitation, form: AccountForm) -> User | None:
    """Make the account; None if it could not be, and then the form says why."""
    try:
        return invitations.join_with_new_account(
            invitation, form.cleaned_data["name"], form.cleaned_data["password1"]
        )
    except ValidationError as error:
        form.add_error("password1", error)
    except UsageError as error:
        form.add_error("name", str(error))
    return None


def _joined(request: HttpRequest, invitation: Invitation, user: Any) -> HttpResponse:
    if invitations.is_member(invitation, user):
        messages.info(request, f"You are a member of {invitation.tenant} already.")
        return _page(request, invitation, is_member=True)
    try:
        invitations.accept(invitation, user)
    except UsageError:
        return _page(request, None, status=404)
    return _welcome(request, invitation, user)


def _welcome(request: HttpRequest, invitation: Invitation, user: Any) -> HttpResponse:
    """Log the new member in and lead them home, in the tenant that they joined."""
    if request.user != user:
        login(request, user, backend=_BACKEND)
    request.session.pop(INVITATION_KEY, None)
    request.session[CHOICE_KEY] = invitation.tenant_id
    messages.success(
        request,
        f"Welcome to {invitation.tenant}. You are signed in as {user.get_username()}, "
        "which is the name to sign in with next time.",
    )
    return HttpResponseRedirect(reverse("admin:index"))


def _page(
    request: HttpRequest, invitation: Invitation | None, status: int = 200, **more: Any
) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": "Join",
        "invitation": invitation,
        "unusable": invitations.UNUSABLE,
        **more,
    }
    return TemplateResponse(request, "tenants/join.html", context, status=status)
