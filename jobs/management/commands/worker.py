"""`manage.py worker`: worker processes that take steps from RabbitMQ."""

import os
import sys
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs.actors import queue_name
from jobs.models import Stage

BEGIN_SECONDS: Final = 5


class Command(BaseCommand):
    help = (
        "Work the steps of the queue until SIGTERM, which lets running steps end first; those "
        "that take longer than WORKER_STOP_SECONDS are given back to the queue. "
        "Needs BROKER_URL and a running `manage.py scheduler`. When one of its processes dies, "
        "all stop and the command exits, so run it under a supervisor that starts it again. "
        "Exit codes: 0 stopped, 1 killed, 2 no broker is configured, 3 it cannot be reached."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--processes", type=int, default=1, help="worker processes (1)")
        parser.add_argument("--threads", type=int, default=4, help="threads in each of them (4)")
        parser.add_argument(
            "--stages",
            nargs="+",
            choices=Stage.values,
            default=Stage.values,
            metavar="STAGE",
            help=f"work only these stages ({' '.join(Stage.values)})",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.BROKER_URL:
            raise CommandError(
                "BROKER_URL is empty, so steps are worked inside the process that makes them "
                "(`manage.py demo`, `manage.py import_raw`). To run workers of their own, set "
                "BROKER_URL, such as amqp://user:password@host:5672/vhost, for every process.",
                returncode=2,
            )
        # As many hints as threads: one that waits here would wait although others are idle.
        os.environ["dramatiq_queue_prefetch"] = str(options["threads"])  # noqa: SIM112
        command = [sys.executable, "-m", "jobs.worker_master", "jobs.boot", "--skip-logging"]
        command += ["--path", str(settings.BASE_DIR)]
        command += ["--processes", str(options["processes"]), "--threads", str(options["threads"])]
        command += ["--worker-shutdown-timeout", str(round(settings.WORKER_STOP_SECONDS * 1000))]
        # Until its processes have begun the master is deaf: also to the death of one of them.
        command += ["--worker-fork-timeout", str(BEGIN_SECONDS * 1000)]
        command += ["--queues", *(queue_name(stage) for stage in options["stages"])]
        path = (str(settings.BASE_DIR), os.environ.get("PYTHONPATH", ""))
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, path))
        self.stdout.flush()
        os.execv(sys.executable, command)  # noqa: S606
