"""Starter mappings: GitHub has neither work item types nor statuses to map."""

from integrations.contract import Presets

PRESETS = Presets()
