"""`python -m jobs.worker_master`: Dramatiq's command, whose own lines come in our format, too.

Its worker processes import `jobs.boot`, which sets their logging up; the master that starts and
watches them imports nothing of ours by itself.
"""

import os
import runpy
from logging.config import dictConfig

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "etl_project.settings")
    from django.conf import settings

    dictConfig(settings.LOGGING)
    runpy.run_module("dramatiq", run_name="__main__", alter_sys=True)
