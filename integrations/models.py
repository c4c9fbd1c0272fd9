"""Integration, its logo, webhook, checkpoints and request budget, raw pages, quarantine."""

from django.db import models

from tenants.models import TenantOwned


class Integration(TenantOwned):
    """One tenant's connection to one site of a provider. provider: a slug of the registry.

    credentials: sealed (`integrations.credentials`), empty where it is fed by imports only.
    budget_key: of the request budget that its credential shares. is_healthy: what the last
    connection test found, None before the first. logo_digest: of its logo, empty without one.
    credentials_expire_at: as the source tells it, None where it does not.
    max_parallel: how many extract steps of it are worked at once; requests_per_hour: how many
    requests its source is asked at most; None for as many as the source allows.
    """

    provider = models.SlugField(max_length=64)
    name = models.SlugField(max_length=64)
    base_url = models.URLField(max_length=500, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    auth_method = models.SlugField(max_length=64, blank=True, default="")
    credentials = models.TextField(blank=True, default="", editable=False)
    budget_key = models.CharField(max_length=64, blank=True, default="", editable=False)
    renewing_until = models.DateTimeField(null=True, editable=False)
    credentials_expire_at = models.DateTimeField(null=True, editable=False)
    is_healthy = models.BooleanField(null=True, editable=False)
    health_message = models.TextField(blank=True, default="", editable=False)
    health_checked_at = models.DateTimeField(null=True, editable=False)
    logo_digest = models.CharField(
        max_length=32, blank=True, default="", db_default="", editable=False
    )
    is_active = models.BooleanField(default=True)
    max_parallel = models.PositiveSmallIntegerField(null=True, blank=True)
    requests_per_hour = models.PositiveIntegerField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "integrations"
        ordering = ("tenant", "name")
        constraints = (
            models.UniqueConstraint(fields=("tenant", "name"), name="integration_name_unique"),
        )

    def __str__(self) -> str:
        return self.name


class Logo(TenantOwned):
    """An integration's logo, a small PNG; apart, so that lists of integrations do not carry it."""

    integration = models.OneToOneField(Integration, on_delete=models.CASCADE)
    image = models.BinaryField()

    class Meta:
        db_table = "integration_logos"

    def __str__(self) -> str:
        return f"logo of {self.integration_id}"


class Checkpoint(TenantOwned):
    """How far a part of a stream is covered, in the source's own terms.

    pending: what it becomes when the run that found it out has ended well.
    """

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE)
    stream = models.CharField(max_length=64)
    part = models.CharField(max_length=200)
    value = models.JSONField(null=True)
    pending = models.JSONField(null=True)
    pending_run_id = models.BigIntegerField(null=True, db_index=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "checkpoints"
        constraints = (
            models.UniqueConstraint(
                fields=("integration", "stream", "part"), name="checkpoint_unique"
            ),
        )

    def __str__(self) -> str:
        return f"{self.stream} of {self.part or 'everything'}"


class CensusPage(TenantOwned):
    """Ids that a run's census found alive; kept until they have been compared."""

    run_id = models.BigIntegerField()
    table = models.CharField(max_length=64)
    part = models.CharField(max_length=200)
    ids = models.JSONField()

    class Meta:
        db_table = "census_pages"
        indexes = (models.Index(fields=("run_id", "table", "part"), name="census_of_run"),)

    def __str__(self) -> str:
        return f"{len(self.ids)} {self.table} of {self.part or 'everything'}"


class RequestBudget(models.Model):
    """What a source allows one credential, shared by all integrations and workers that use it.

    key: a keyed digest of provider, host and owner. scope: what the source limits apart, empty
    for everything. held_until: nobody sends a request before. Belongs to no tenant: two tenants
    with one person's tokens share one.
    """

    key = models.CharField(max_length=64)
    scope = models.CharField(max_length=100, blank=True, default="")
    held_until = models.DateTimeField(null=True)
    reason = models.TextField(blank=True, default="")
    remaining = models.BigIntegerField(null=True)
    resets_at = models.DateTimeField(null=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        db_table = "request_budgets"
        constraints = (
            models.UniqueConstraint(fields=("key", "scope"), name="request_budget_unique"),
        )

    def __str__(self) -> str:
        return f"budget {self.key[:8]} {self.scope}".strip()


class RawPage(TenantOwned):
    """A response exactly as received: the bytes after content-decoding, compressed (zstd).

    `body_digest` is that of the decompressed body. The same body fetched again from the same
    place is the same page with a later `fetched_at`. is_data: its records are to be loaded;
    what was asked only to know how to go on, such as a census, is kept beside them.
    """

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE)
    run_id = models.BigIntegerField(null=True, db_index=True)
    stream = models.CharField(max_length=64)
    method = models.CharField(max_length=16)
    url = models.TextField()
    url_digest = models.CharField(max_length=32)
    request_body = models.TextField(blank=True)
    status = models.PositiveSmallIntegerField(default=200)
    media_type = models.CharField(max_length=100)
    body = models.BinaryField()
    body_size = models.BigIntegerField()
    body_digest = models.CharField(max_length=32)
    record_count = models.PositiveIntegerField(null=True)
    is_data = models.BooleanField(default=True)
    fetched_at = models.DateTimeField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "raw_extraction_data"
        constraints = (
            models.UniqueConstraint(
                fields=("integration", "stream", "url_digest", "body_digest"),
                name="raw_page_unique",
            ),
        )

    def __str__(self) -> str:
        return f"{self.stream} page {self.pk}"


class QuarantinedRecord(TenantOwned):
    """Something of a raw page that was not loaded as it stands, with its reason and place.

    severity `record`: set aside whole; `value`: loaded with that value null; `note`: cleaned.
    """

    class Severity(models.TextChoices):
        RECORD = "record", "Record set aside"
        VALUE = "value", "Value left out"
        NOTE = "note", "Cleaned"

    integration = models.ForeignKey(Integration, on_delete=models.CASCADE)
    run_id = models.BigIntegerField(null=True, db_index=True)
    raw_page = models.ForeignKey(
        RawPage, null=True, on_delete=models.CASCADE, related_name="quarantined"
    )
    stream = models.CharField(max_length=64)
    severity = models.CharField(max_length=8, choices=Severity.choices)
    reason = models.CharField(max_length=40)
    detail = models.TextField()
    place = models.TextField()
    position = models.IntegerField()
    path = models.TextField(blank=True)
    excerpt = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        db_table = "quarantined_records"
        indexes = (models.Index(fields=("tenant", "-id"), name="quarantine_newest"),)

    def __str__(self) -> str:
        return f"{self.reason} at {self.place}"


class Webhook(TenantOwned):
    """Where the source of an integration sends what happens there.

    public_id: of its address, not to be guessed. secret: what deliveries are signed by, sealed.
    """

    integration = models.OneToOneField(
        Integration, on_delete=models.CASCADE, related_name="webhook"
    )
    public_id = models.CharField(max_length=64, unique=True)
    secret = models.TextField(editable=False)
    created_at = models.DateTimeField()

    class Meta:
        db_table = "webhooks"

    def __str__(self) -> str:
        return f"webhook of {self.integration_id}"


class WebhookDelivery(TenantOwned):
    """What a source has sent, exactly as it came: body compressed (zstd), and the headers that
    matter. Its signature was right. Nothing of it is loaded: what it is about is fetched.

    delivery_id: the source's own, or a digest of the body. items: what it is about, as the
    provider reads it. run_id: of the run that fetches them. reason: why it is ignored.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting to be fetched"
        TAKEN = "taken", "Fetched by a run"
        IGNORED = "ignored", "Ignored"
        PING = "ping", "Answered"

    integration = models.ForeignKey(
        Integration, on_delete=models.CASCADE, related_name="deliveries"
    )
    delivery_id = models.CharField(max_length=100)
    event = models.CharField(max_length=100)
    headers = models.JSONField(default=dict)
    body = models.BinaryField()
    body_size = models.BigIntegerField()
    state = models.CharField(max_length=8, choices=State.choices)
    reason = models.TextField(blank=True, default="")
    items = models.JSONField(default=list)
    run_id = models.BigIntegerField(null=True)
    received_at = models.DateTimeField()

    class Meta:
        db_table = "webhook_deliveries"
        verbose_name_plural = "webhook deliveries"
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("integration", "delivery_id"), name="webhook_delivery_once"
            ),
        )
        indexes = (
            models.Index(
                fields=("integration", "id"),
                condition=models.Q(state="waiting"),
                name="webhook_deliveries_waiting",
            ),
        )

    def __str__(self) -> str:
        return f"{self.event} {self.delivery_id}"
