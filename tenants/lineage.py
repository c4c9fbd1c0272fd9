"""Columns that every loaded row has: which page it came from, and how it changed."""

from django.db import models


class Loaded(models.Model):
    """Where a row comes from and when it last changed here.

    raw_page_id, raw_position: the page (by key, for pages may expire) and the record in it.
    fetched_at: when the source said so; decides between two versions of the same `updated_at`.
    digest: of the record's bytes. fingerprint: of the code and settings that read them.
    changed_seq: grows with every change of any row of the tenant; readers follow it.
    """

    raw_page_id = models.BigIntegerField()
    raw_position = models.IntegerField()
    fetched_at = models.DateTimeField()
    digest = models.BigIntegerField()
    fingerprint = models.BigIntegerField()
    changed_seq = models.BigIntegerField()

    class Meta:
        abstract = True
