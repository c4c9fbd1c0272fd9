"""Integration, RawPage (`raw_extraction_data`) and what was set aside of a page."""

from django.db import models

from tenants.models import TenantOwned


class Integration(TenantOwned):
    """One tenant's connection to one site of a provider. provider: a slug of the registry."""

    provider = models.SlugField(max_length=64)
    name = models.SlugField(max_length=64)
    base_url = models.URLField(max_length=500, blank=True)
    settings = models.JSONField(default=dict, blank=True)
    is_active = models.BooleanField(default=True)
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


class RawPage(TenantOwned):
    """A response exactly as received: the bytes after content-decoding, compressed (zstd).

    `body_digest` is that of the decompressed body. The same body fetched again from the same
    place is the same page with a later `fetched_at`.
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
