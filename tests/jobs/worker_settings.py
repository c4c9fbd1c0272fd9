"""Settings of the worker processes that tests start: handlers of the tests' own."""

from etl_project.settings import *  # noqa: F403
from etl_project.settings import INSTALLED_APPS

INSTALLED_APPS = [*INSTALLED_APPS, "tests.jobs.worker_app.apps.WorkerAppConfig"]
