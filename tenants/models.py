"""Tenant, Membership, Invitation, Preferences, and the base of every tenant-owned model."""

from typing import Any, ClassVar

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from tenants.scope import TenantManager, check_writable


class Tier(models.TextChoices):
    """What a tenant pays for; sets the priority of its steps (see `jobs.queue`)."""

    FREE = "free", "Free"
    BASIC = "basic", "Basic"
    PREMIUM = "premium", "Premium"
    ENTERPRISE = "enterprise", "Enterprise"


class Tenant(models.Model):
    """An organisation whose data nobody else may see.

    name: need not be unique, or renaming one would tell whether another has the name.
    time_zone: of schedules and charts, and of the times shown to whoever chose none.
    logo_digest: of the picture in `TenantLogo`; empty without one.
    """

    name = models.CharField(max_length=200)
    slug = models.SlugField(max_length=64, unique=True)
    tier = models.CharField(max_length=16, choices=Tier.choices, default=Tier.BASIC)
    time_zone = models.CharField(max_length=64, default="UTC")
    is_active = models.BooleanField(default=True)
    logo_digest = models.CharField(
        max_length=32, blank=True, default="", db_default="", editable=False
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "tenants"
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class TenantOwned(models.Model):
    """Base of every model that belongs to one tenant: scoped reads, guarded writes."""

    tenant = models.ForeignKey(Tenant, on_delete=models.CASCADE, related_name="+")

    objects: ClassVar[TenantManager[Any]] = TenantManager()

    class Meta:
        abstract = True

    def save(self, *args: Any, **kwargs: Any) -> None:
        check_writable(self.tenant_id)
        super().save(*args, **kwargs)


class TenantLogo(TenantOwned):
    """A tenant's logo: a small PNG that `common.images` drew."""

    tenant = models.OneToOneField(Tenant, on_delete=models.CASCADE, related_name="+")
    data = models.BinaryField()

    class Meta:
        db_table = "tenant_logos"

    def __str__(self) -> str:
        return f"logo of {self.tenant}"


class Role(models.TextChoices):
    """What a member may do; `tenants.permissions` has the table."""

    ADMIN = "admin", "Administrator"
    EDITOR = "editor", "Editor"
    VIEWER = "viewer", "Viewer"


class Membership(TenantOwned):
    """A user's role in a tenant."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "memberships"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "user"), name="membership_unique"),
        )

    def __str__(self) -> str:
        return f"{self.user} in {self.tenant} ({self.role})"


class Invitation(TenantOwned):
    """Lets whoever holds its link become a member, once; see `tenants.invitations`.

    name: for whom it is, as the administrator calls them. token_digest: of the token in the link,
    which is kept nowhere.
    """

    name = models.CharField(
        "for", max_length=200, help_text="A name or an e-mail address, for your own list."
    )
    role = models.CharField(max_length=16, choices=Role.choices, default=Role.VIEWER)
    token_digest = models.CharField(max_length=64, unique=True, editable=False)
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(editable=False)
    accepted_at = models.DateTimeField(null=True, editable=False)
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    class State(models.TextChoices):
        OPEN = "open", "Open"
        ACCEPTED = "accepted", "Accepted"
        EXPIRED = "expired", "Expired"

    class Meta:
        db_table = "invitations"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"invitation for {self.name}"

    @property
    def state(self) -> State:
        """Whether somebody may still join by it."""
        if self.accepted_at is not None:
            return self.State.ACCEPTED
        return self.State.OPEN if self.expires_at > timezone.now() else self.State.EXPIRED


class LoginFailure(models.Model):
    """Wrong passwords for one name from one address. key: a digest of both."""

    key = models.CharField(max_length=64, primary_key=True)
    count = models.PositiveIntegerField(default=0)
    last_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "login_failures"

    def __str__(self) -> str:
        return f"{self.count} failed logins"


class Theme(models.TextChoices):
    """Colour scheme of the admin."""

    SYSTEM = "system", "As the system"
    LIGHT = "light", "Light"
    DARK = "dark", "Dark"


class Preferences(models.Model):
    """How one user likes to see things. time_zone: empty for that of the tenant."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="preferences"
    )
    theme = models.CharField(max_length=8, choices=Theme.choices, default=Theme.SYSTEM)
    high_contrast = models.BooleanField(default=False)
    reduced_motion = models.BooleanField(default=False)
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        default="",
        validators=[RegexValidator(r"^[A-Za-z0-9_+\-/]+$")],
    )
    default_tenant = models.ForeignKey(Tenant, null=True, blank=True, on_delete=models.SET_NULL)
    page_size = models.PositiveSmallIntegerField(default=50)

    class Meta:
        db_table = "preferences"
        verbose_name_plural = "preferences"

    def __str__(self) -> str:
        return f"preferences of {self.user}"


class ApiToken(TenantOwned):
    """Lets a program work in one tenant as its user, as far as scopes and the user's role go.

    digest: SHA-256 of the token, which is shown once and kept nowhere. hint: its first characters,
    by which people tell tokens apart. scopes: names of `tenants.permissions.Capability`, in small
    letters.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="api_tokens"
    )
    name = models.CharField(max_length=100)
    hint = models.CharField(max_length=16, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, editable=False)
    revoked_at = models.DateTimeField(null=True, editable=False)

    class State(models.TextChoices):
        VALID = "valid", "Valid"
        EXPIRED = "expired", "Expired"
        REVOKED = "revoked", "Revoked"

    class Meta:
        db_table = "api_tokens"
        ordering = ("-id",)
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.hint}…)"

    @property
    def state(self) -> State:
        """Whether it lets in, as far as that is up to the token and not to its user."""
        if self.revoked_at is not None:
            return self.State.REVOKED
        return self.State.VALID if self.expires_at > timezone.now() else self.State.EXPIRED


class SignIn(models.Model):
    """One sign-in by password for JWT, and the family of refresh tokens that came of it.

    refresh_id: `jti` of the one refresh token of the family that is valid. Any other that is shown
    was used before: the family is then revoked, for one of two who have it is a thief.
    """

    family = models.UUIDField(unique=True, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="sign_ins"
    )
    refresh_id = models.CharField(max_length=64, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    refreshed_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    revoked_because = models.CharField(max_length=64, blank=True, default="")

    class Meta:
        db_table = "sign_ins"
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"sign-in of {self.user}"


class SocketTicket(models.Model):
    """Opens one WebSocket, once, within seconds of being asked for.

    digest: SHA-256 of the ticket, which is kept nowhere. What it was asked for by is one of
    session_key, sign_in (with credential, a digest of the password then) and api_token: the socket
    may do what that may, for as long as that goes on.
    """

    digest = models.CharField(max_length=64, unique=True, editable=False)
    session_key = models.CharField(max_length=40, blank=True, default="", editable=False)
    sign_in = models.ForeignKey(SignIn, on_delete=models.CASCADE, null=True, related_name="+")
    credential = models.CharField(max_length=64, blank=True, default="", editable=False)
    api_token = models.ForeignKey(ApiToken, on_delete=models.CASCADE, null=True, related_name="+")
    expires_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "socket_tickets"

    def __str__(self) -> str:
        return f"socket ticket until {self.expires_at:%H:%M:%S}"


class IdempotencyKey(TenantOwned):
    """A request that is done once, however often it is sent, and its answer.

    status, body: of the answer; no status while the request is being answered.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.JSONField(null=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        db_table = "idempotency_keys"
        constraints = (
            models.UniqueConstraint(
                fields=("tenant", "user", "key"), name="idempotency_key_unique"
            ),
        )

    def __str__(self) -> str:
        return self.key
