"""`make services`: PostgreSQL, RabbitMQ and Redis of this machine, as deploy/local.env names them.

Starts those that are installed and down, and makes the database and the virtual host, each with its
user. What runs is never restarted, and what is there is left as it is. Exit code 0: all answer; 1:
one does not, and it is said what to do.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import environ

from deploy.servers import PostgreSQL, RabbitMQ, Redis, Server
from deploy.trouble import TroubleError

LOCAL: Final = Path(__file__).resolve().parent / "local.env"


def main() -> int:
    """See to every server; return the exit code."""
    env = environ.Env()
    env.read_env(Path(os.environ.get("ENV_FILE", LOCAL)))
    wanted: list[tuple[str, Callable[[str], Server]]] = [
        ("DATABASE_URL", PostgreSQL),
        ("BROKER_URL", RabbitMQ),
        ("CHANNEL_LAYER_URL", Redis),
    ]
    code = 0
    for variable, kind in wanted:
        server = kind(env.str(variable))
        try:
            told = server.see_to_it()
        except TroubleError as trouble:
            told, code = f"not there: {trouble}", 1
        sys.stdout.write(f"{server.name:<11} {told}\n")
        sys.stdout.flush()
    return code


if __name__ == "__main__":
    sys.exit(main())
