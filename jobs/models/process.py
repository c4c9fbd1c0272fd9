"""Process: what works here."""

from django.db import models


class Process(models.Model):
    """A worker, scheduler or web process that is there, as it last said of itself.

    name: host, process id and a token, as steps name who holds them (`heartbeat.worker_id`).
    stages: those that a worker works, separated by commas.
    """

    class Role(models.TextChoices):
        WORKER = "worker", "Worker"
        SCHEDULER = "scheduler", "Scheduler"
        WEB = "web", "Web"

    name = models.CharField(max_length=120, primary_key=True)
    role = models.CharField(max_length=16, choices=Role.choices)
    host = models.CharField(max_length=80)
    pid = models.PositiveIntegerField()
    stages = models.CharField(max_length=100, blank=True, default="")
    threads = models.PositiveSmallIntegerField(default=0)
    version = models.CharField(max_length=40)
    memory_bytes = models.BigIntegerField(default=0)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField(db_index=True)

    class Meta:
        db_table = "etl_processes"
        verbose_name_plural = "processes"

    def __str__(self) -> str:
        return f"{self.role} {self.name}"
