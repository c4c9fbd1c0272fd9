"""The admin of runs, steps and processes; importing it registers them."""

from jobs.admin.jobs import JobAdmin
from jobs.admin.processes import ProcessAdmin
from jobs.admin.runs import JobRunAdmin
from jobs.admin.steps import QueueEntryAdmin

__all__ = ["JobAdmin", "JobRunAdmin", "ProcessAdmin", "QueueEntryAdmin"]
