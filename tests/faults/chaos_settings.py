"""Settings of the processes of the chaos run: some transactions are rolled back."""

from etl_project.settings import *  # noqa: F403
from etl_project.settings import INSTALLED_APPS

INSTALLED_APPS = ["tests.faults.rolling_back.apps.RollingBackConfig", *INSTALLED_APPS]
