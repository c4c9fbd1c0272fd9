"""The history of integrations, in which the admin shows who did what."""

from typing import Any

from django.contrib.admin.models import ADDITION, CHANGE, DELETION, LogEntry
from rest_framework.request import Request

from integrations.models import Integration


def note_addition(request: Request, row: Integration) -> None:
    """Say that whoever asks made the integration."""
    _note(request, row, ADDITION, [{"added": {}}])


def note_change(request: Request, row: Integration, message: str | list[Any]) -> None:
    """Say what whoever asks changed; never a value of a credential."""
    _note(request, row, CHANGE, message)


def note_deletion(request: Request, row: Integration) -> None:
    """Say that whoever asks deletes the integration; before it is gone."""
    _note(request, row, DELETION, [])


def _note(request: Request, row: Integration, flag: int, message: str | list[Any]) -> None:
    assert request.user.pk is not None
    LogEntry.objects.log_actions(
        request.user.pk, [row], action_flag=flag, change_message=message, single_object=True
    )
