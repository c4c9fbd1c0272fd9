"""`make secrets`: the passwords and keys that docker-compose.yml reads, made once at random.

Needs nothing but Python. What is there is left as it is: other values would lock out those who know
the old ones. Containers read the files under users of their own, whose rights Compose cannot set;
so it is the directory that keeps others of this machine out.
"""

import base64
import os
import secrets
import sys
from pathlib import Path
from typing import Final

DIRECTORY: Final = Path(__file__).resolve().parent / "secrets"
USER: Final = "etl"


def main(directory: Path = DIRECTORY) -> int:
    """Make the files that are not there, and say which."""
    directory.mkdir(mode=0o700, exist_ok=True)
    directory.chmod(0o700)
    made = [name for name, text in _plain().items() if _keep(directory / name, text)]
    for name, text in _configurations(directory).items():
        if _keep(directory / name, text):
            made.append(name)
    told = f"made {', '.join(made)}" if made else "nothing to make"
    sys.stdout.write(f"{directory}: {told}\n")
    return 0


def _plain() -> dict[str, str]:
    return {
        "secret_key": secrets.token_urlsafe(50),
        "credential_keys": base64.urlsafe_b64encode(os.urandom(32)).decode(),
        "database_password": secrets.token_urlsafe(32),
        "rabbitmq_password": secrets.token_urlsafe(32),
        "redis_password": secrets.token_urlsafe(32),
    }


def _configurations(directory: Path) -> dict[str, str]:
    """Return the files of servers that take a password in their configuration only."""
    rabbitmq = (directory / "rabbitmq_password").read_text()
    redis = (directory / "redis_password").read_text()
    user = f"default_user = {USER}\ndefault_pass = {rabbitmq}\ndefault_vhost = {USER}\n"
    return {"rabbitmq.conf": user, "redis.conf": f"requirepass {redis}\n"}


def _keep(path: Path, text: str) -> bool:
    """Write a file unless it is there; say whether it was written."""
    try:
        with path.open("x") as file:
            file.write(text)
    except FileExistsError:
        return False
    path.chmod(0o644)
    return True


if __name__ == "__main__":
    sys.exit(main())
