"""The commands of the queue refuse what cannot work, and say what to do."""

import os
import subprocess
import sys

from django.conf import settings as configured


def test_the_commands_say_what_to_do_when_no_broker_is_configured() -> None:
    environment = os.environ | {"BROKER_URL": "", "RABBITMQ_URL": "", "RABBITMQ_HOST": ""}
    for command in ("worker", "scheduler"):
        told = subprocess.run(
            [sys.executable, "manage.py", command],
            env=environment,
            cwd=configured.BASE_DIR,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert told.returncode == 2
        assert "set BROKER_URL" in told.stderr
