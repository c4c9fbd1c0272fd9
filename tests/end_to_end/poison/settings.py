"""The settings of the project, with workers that a record can kill."""

from etl_project.settings import *  # noqa: F403
from etl_project.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.end_to_end.poison.apps.PoisonConfig"]
