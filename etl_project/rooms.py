"""Puts rooms together where a lower one shows or uses what a higher one knows."""

from integrations import glances, starter


def introduce() -> None:
    """Tell the room of integrations who makes starter mappings and who looks at runs."""
    from jobs.glances import glances as at_a_glance
    from mappings.seeds import apply_presets

    starter.register(apply_presets)
    glances.register(at_a_glance)
