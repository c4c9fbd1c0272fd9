"""`manage.py scheduler`: relay, the only publisher of hints; sweeper, schedule and couriers."""

import logging
import os
import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs import relay
from jobs.conductor import Conductor, mend
from jobs.models import Process
from jobs.presence import Presence
from jobs.sync import start_scheduled
from notices import courier

logger = logging.getLogger(__name__)


class Command(BaseCommand):
    help = (
        "Publish hints for due steps, mend what died, start runs by schedule, and deliver notices, "
        "until SIGTERM. "
        "Needs BROKER_URL. Several schedulers may run; RabbitMQ and the database may go away and "
        "come back. Exit codes: 0 stopped or done, 1 failed (--once), 2 no broker is configured."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--once", action="store_true", help="do everything that is due once, and exit"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.BROKER_URL:
            raise CommandError(
                "BROKER_URL is empty, so the scheduler runs inside the process that works the "
                "steps (`manage.py demo`, `manage.py import_raw`). To run it on its own, set "
                "BROKER_URL, such as amqp://user:password@host:5672/vhost, for every process.",
                returncode=2,
            )
        if options["once"]:
            self._once()
        else:
            self._run()

    def _once(self) -> None:
        try:
            failures = mend(start_scheduled)
            sent = 0
            while published := relay.dispatch()[0]:
                sent += published
            delivered = courier.deliver_all()
        except Exception as error:
            raise CommandError(f"not everything could be done: {error!r}") from error
        if failures:
            told = "; ".join(map(repr, failures))
            raise CommandError(f"not everything could be done: {told}") from failures[0]
        self.stdout.write(f"{sent} hints published, {delivered} notices tried")

    def _run(self) -> None:
        stopped = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopped.set())
        conductor = Conductor(start_scheduled)
        presence = Presence(Process.Role.SCHEDULER)
        conductor.start()
        presence.start()
        logger.info("the scheduler runs")
        stopped.wait()
        presence.stop()
        if not conductor.stop():
            # A thread hangs in a call to a server that does not answer; there is nothing to lose.
            logger.info("the scheduler has stopped while it waited for a server")
            os._exit(0)
        logger.info("the scheduler has stopped")
