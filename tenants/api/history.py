"""The history that the admin shows of a row, for what is done to it over the API."""

from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from django.db.models import Model
from rest_framework.request import Request


def note_addition(request: Request, row: Model) -> None:
    """Say that whoever asks made the row."""
    _note(request, row, ADDITION, [{"added": {}}])


def note_change(request: Request, row: Model, message: str | list[Any]) -> None:
    """Say what whoever asks changed; never a secret."""
    _note(request, row, CHANGE, message)


def note_deletion(request: Request, row: Model) -> None:
    """Say that whoever asks deletes the row; before it is gone."""
    _note(request, row, DELETION, [])


def _note(request: Request, row: Model, flag: int, message: str | list[Any]) -> None:
    assert request.user.pk is not None
    LogEntry.objects.log_actions(
        request.user.pk, [row], action_flag=flag, change_message=message, single_object=True
    )
