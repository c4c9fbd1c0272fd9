"""Job, ScheduleSlot, JobRun, RunLog, QueueEntry (`etl_job_queue`), Process."""

from jobs.models.job import Job, ScheduleSlot
from jobs.models.process import Process
from jobs.models.run import JobRun, RunLog
from jobs.models.step import QueueEntry, Stage, TenantTurn

__all__ = [
    "Job",
    "JobRun",
    "Process",
    "QueueEntry",
    "RunLog",
    "ScheduleSlot",
    "Stage",
    "TenantTurn",
]
