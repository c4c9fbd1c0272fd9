"""Puts rooms together where a lower one shows or uses what a higher one knows."""

from integrations import glances, starter


def introduce() -> None:
    """Tell integrations who makes starter mappings and looks at runs, and jobs who asks servers."""
    from etl_project.health import readiness
    from jobs import site_health
    from jobs.glances import glances as at_a_glance
    from mappings.seeds import apply_presets

    starter.register(apply_presets)
    glances.register(at_a_glance)
    site_health.register(lambda: readiness.ask().result())
