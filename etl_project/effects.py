"""Puts the warehouse and the conductor together as `mappings.effects.Effects`."""

from jobs.remaps import start_remap
from mappings.effects import register
from mappings.models import ChangeSet
from warehouse.effects import WarehouseEffects


class Effects(WarehouseEffects):
    """Effects of edits on work items, computed at once or by a run."""

    def prepare(self, change_set: ChangeSet) -> int:
        """Start a run that prepares a stored change-set and puts it in effect; return its id."""
        return start_remap(change_set).pk


def install() -> None:
    """Let the mappings use them."""
    register(Effects())
