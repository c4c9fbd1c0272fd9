"""Endpoint, Subscription, Notice and who saw it, Delivery and its attempts, values told of."""

from django.conf import settings
from django.db import models

from integrations.models import Integration
from notices.events import Event
from tenants.models import TenantOwned


class Endpoint(TenantOwned):
    """An address of the tenant's own that notices are sent to, signed.

    secret: what they are signed by, sealed, with the one before it (`notices.secrets`), which
    counts until former_until. events: those that are sent. integration_ids: whose; empty for all,
    and never emptied by a removal, which would let others in. held_until: nothing is sent before,
    for the last `failures` attempts failed, the first of them at failing_since. disabled_because:
    why it was switched off by itself.
    """

    name = models.CharField(max_length=100)
    url = models.CharField("address", max_length=500)
    secret = models.TextField(editable=False)
    former_until = models.DateTimeField(null=True, editable=False)
    events = models.JSONField(default=list)
    integration_ids = models.JSONField(default=list, blank=True)
    is_active = models.BooleanField(default=True)
    failures = models.PositiveIntegerField(default=0, editable=False)
    failing_since = models.DateTimeField(null=True, editable=False)
    held_until = models.DateTimeField(null=True, editable=False)
    succeeded_at = models.DateTimeField(null=True, editable=False)
    disabled_because = models.TextField(blank=True, default="", editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "notice_endpoints"
        verbose_name = "webhook"
        ordering = ("name", "id")

    def __str__(self) -> str:
        return self.name


class Subscription(TenantOwned):
    """Which events of the tenant a member is told by e-mail."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="subscriptions"
    )
    events = models.JSONField(default=list)

    class Meta:
        db_table = "notice_subscriptions"
        constraints = (
            models.UniqueConstraint(fields=("tenant", "user"), name="notice_subscription_unique"),
        )

    def __str__(self) -> str:
        return f"subscription of {self.user}"


class Notice(TenantOwned):
    """Something that happened and is told. key: unique in the tenant, so it is told once.

    payload: what is told of it, without any secret. It is written in the transaction of what it
    tells, with its deliveries.
    """

    event = models.CharField(max_length=32, choices=Event.choices)
    key = models.CharField(max_length=200)
    integration_id = models.BigIntegerField(null=True)
    payload = models.JSONField(default=dict)
    occurred_at = models.DateTimeField()

    class Meta:
        db_table = "notices"
        ordering = ("-id",)
        constraints = (models.UniqueConstraint(fields=("tenant", "key"), name="notice_once"),)
        indexes = (
            models.Index(fields=("tenant", "integration_id", "-id"), name="notices_newest"),
            models.Index(fields=("tenant", "-id"), name="notices_of_tenant"),
            models.Index(fields=("occurred_at",), name="notices_oldest"),
        )

    def __str__(self) -> str:
        return f"{self.get_event_display()}"


class SeenNotices(TenantOwned):
    """Up to which notice of the tenant a user has seen them, in the bell."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    seen_until = models.BigIntegerField()

    class Meta:
        db_table = "notice_seen"
        constraints = (models.UniqueConstraint(fields=("tenant", "user"), name="notice_seen_once"),)

    def __str__(self) -> str:
        return f"{self.user} has seen notices up to {self.seen_until}"


class Delivery(TenantOwned):
    """One notice on its way to one endpoint, or by e-mail to one user.

    message_id: what the receiver deduplicates by, the same at every attempt. attempts: counted
    before each; fence: raised by each claim and when it is sent again, and who notes an outcome
    has to hold it. status, error: of the last attempt.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "On its way"
        DELIVERED = "delivered", "Delivered"
        GIVEN_UP = "given_up", "Given up"

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="deliveries")
    endpoint = models.ForeignKey(
        Endpoint, null=True, on_delete=models.CASCADE, related_name="deliveries"
    )
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+"
    )
    message_id = models.CharField(max_length=64, unique=True, editable=False)
    state = models.CharField(max_length=16, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveIntegerField(default=0)
    fence = models.PositiveIntegerField(default=0, editable=False)
    next_at = models.DateTimeField()
    leased_until = models.DateTimeField(null=True, editable=False)
    status = models.PositiveSmallIntegerField(null=True)
    error = models.TextField(blank=True, default="")
    created_at = models.DateTimeField(auto_now_add=True)
    ended_at = models.DateTimeField(null=True)

    class Meta:
        db_table = "notice_deliveries"
        verbose_name_plural = "deliveries"
        ordering = ("-id",)
        indexes = (
            models.Index(
                fields=("tenant", "next_at", "id"),
                condition=models.Q(state="waiting"),
                name="notice_deliveries_next",
            ),
            models.Index(
                fields=("leased_until",),
                condition=models.Q(state="waiting", leased_until__isnull=False),
                name="notice_deliveries_leased",
            ),
        )

    def __str__(self) -> str:
        return f"delivery {self.pk}"


class Attempt(TenantOwned):
    """One try of a delivery. ended_at: null while it goes on, and for ever if its process died.

    status: of the answer, null without one. answer: its first 1,000 characters, redacted.
    """

    delivery = models.ForeignKey(Delivery, on_delete=models.CASCADE, related_name="tries")
    number = models.PositiveIntegerField()
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    milliseconds = models.PositiveIntegerField(null=True)
    is_delivered = models.BooleanField(default=False)
    status = models.PositiveSmallIntegerField(null=True)
    answer = models.TextField(blank=True, default="")
    error = models.TextField(blank=True, default="")

    class Meta:
        db_table = "notice_attempts"
        ordering = ("delivery", "number")
        constraints = (
            models.UniqueConstraint(fields=("delivery", "number"), name="notice_attempt_unique"),
        )

    def __str__(self) -> str:
        return f"attempt {self.number} of {self.delivery_id}"


class ToldValues(TenantOwned):
    """Which values without a rule were told of an integration. keys: those of inbox entries."""

    integration = models.OneToOneField(Integration, on_delete=models.CASCADE, related_name="+")
    keys = models.JSONField(default=list)

    class Meta:
        db_table = "notice_told_values"

    def __str__(self) -> str:
        return f"values told of {self.integration_id}"
