"""The form of a job's schedule, and what it would come to while it is filled in."""

from typing import Any, Final

from django import forms

from common.errors import UsageError
from jobs.agenda import Agenda, agenda_of, policy_in_words
from jobs.clock import database_now
from jobs.models import Job
from jobs.planning import checked
from jobs.schedule_edits import LONGEST_MINUTES, LONGEST_RETRY_MINUTES
from jobs.slots import checked_cron

HOW: Final = (
    ("none", "No schedule: by hand only"),
    ("interval", "Every so many minutes"),
    ("cron", "At given times (cron)"),
)
PRESETS: Final = (
    ("interval:15", "Every 15 minutes"),
    ("interval:60", "Every hour"),
    ("cron:0 3 * * *", "Daily at 03:00"),
    ("cron:0 6 * * 1-5", "On work days at 06:00"),
    ("cron:0 4 * * 0", "On Sundays at 04:00"),
)
"""What is chosen by one press: how, and the value of its field."""


class ScheduleForm(forms.Form):
    """When an integration is synced by itself. blackouts: one window a line."""

    how = forms.ChoiceField(label="When", choices=HOW, widget=forms.RadioSelect)
    interval_minutes = forms.IntegerField(
        label="Minutes", required=False, min_value=1, max_value=LONGEST_MINUTES
    )
    cron = forms.CharField(label="Cron", required=False, max_length=100)
    is_active = forms.BooleanField(label="Start runs by schedule", required=False)
    blackouts = forms.CharField(
        label="No runs start in", required=False, max_length=4000, widget=forms.Textarea
    )
    catch_up = forms.ChoiceField(label="What was missed", choices=Job.CatchUp.choices)
    retry_minutes = forms.IntegerField(
        label="After a failed run, again in", min_value=0, max_value=LONGEST_RETRY_MINUTES
    )

    @classmethod
    def of(cls, job: Job) -> "ScheduleForm":
        """Return the form as the job is now."""
        return cls(initial=kept_of(job))

    def clean_cron(self) -> str:
        """Return the expression in its usual form; refuse what is none."""
        text: str = self.cleaned_data["cron"].strip()
        if not text or self.data.get("how") != "cron":
            return ""
        try:
            return checked_cron(text)
        except UsageError as error:
            raise forms.ValidationError(str(error)) from None

    def clean(self) -> dict[str, Any]:
        """Demand the field that the choice of `how` needs."""
        data: dict[str, Any] = self.cleaned_data
        for how, name, told in (
            ("interval", "interval_minutes", "Say after how many minutes."),
            ("cron", "cron", "Give five fields such as 30 6 * * 1-5."),
        ):
            if data.get("how") == how and not data.get(name) and name not in self.errors:
                self.add_error(name, told)
        return data

    def changes(self) -> dict[str, Any]:
        """Return the columns of the job as the form says; it is valid."""
        data = self.cleaned_data
        how = data["how"]
        lines = (line.strip() for line in data["blackouts"].splitlines())
        return {
            "interval_minutes": data["interval_minutes"] if how == "interval" else None,
            "cron": data["cron"] if how == "cron" else "",
            "is_active": data["is_active"],
            "blackouts": "\n".join(filter(None, lines)),
            "catch_up": data["catch_up"],
            "retry_minutes": data["retry_minutes"],
        }


def kept_of(job: Job) -> dict[str, Any]:
    """Return what the form would hold for a job as it is: to show it, and to undo a change."""
    how = "cron" if job.cron else "interval" if job.interval_minutes else "none"
    return {
        "how": how,
        "interval_minutes": job.interval_minutes,
        "cron": job.cron,
        "is_active": job.is_active,
        "blackouts": job.blackouts,
        "catch_up": job.catch_up,
        "retry_minutes": job.retry_minutes,
    }


def foreseen(job: Job, form: ScheduleForm) -> dict[str, Any]:
    """Return what a filled-in form would come to: in words, the next runs, or what is wrong.

    Nothing is saved. errors: by field, those of the whole under the name of the field that is to
    be changed.
    """
    if not form.is_valid():
        return {"errors": {name: list(map(str, told)) for name, told in form.errors.items()}}
    tried = Job(tenant=job.tenant, integration=job.integration, **form.changes())
    now = database_now()
    try:
        checked(tried, now)
    except UsageError as error:
        return {"errors": {"blackouts": [str(error)]}}
    agenda: Agenda = agenda_of(tried, now)
    return {
        "errors": {},
        "words": agenda["words"],
        "policy": policy_in_words(agenda) if agenda["words"] else [],
        "next": [f"{moment:%a %-d %b %Y, %H:%M} {moment:%Z}" for moment in agenda["next"]],
    }
