"""`make services` starts what is down, leaves alone what runs, and says what is missing."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from deploy.servers import PostgreSQL, RabbitMQ, Redis
from deploy.trouble import TroubleError
from tests.conftest import ROOT
from tests.deploy.test_commands import free_port
from tests.services import has_redis


@pytest.fixture
def place() -> Iterator[str]:
    """The address of a Redis that is not there yet, and that is gone afterwards."""
    if not has_redis() or shutil.which("redis-server") is None:
        refuse = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        refuse("there is no Redis")
    url = f"redis://127.0.0.1:{free_port()}/0"
    yield url
    redis.Redis.from_url(url).shutdown(nosave=True)


@pytest.mark.redis
def test_a_server_that_is_down_is_started_once(place: str) -> None:
    assert Redis(place).see_to_it().startswith("started (127.0.0.1:")
    first = redis.Redis.from_url(place).info("server")["process_id"]
    assert Redis(place).see_to_it().startswith("running (127.0.0.1:")
    assert redis.Redis.from_url(place).info("server")["process_id"] == first


@pytest.mark.parametrize(
    ("kind", "scheme", "package"),
    [
        (PostgreSQL, "postgres", "postgresql"),
        (RabbitMQ, "amqp", "rabbitmq-server"),
        (Redis, "redis", "redis-server"),
    ],
)
def test_what_is_not_installed_is_named_by_its_package(
    kind: type[PostgreSQL | RabbitMQ | Redis],
    scheme: str,
    package: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path="": None)
    with pytest.raises(TroubleError, match=f"is not installed: apt-get install {package}$"):
        kind(f"{scheme}://etl:etl@127.0.0.1:{free_port()}/etl").see_to_it()


def test_the_file_names_the_three_servers_of_this_machine(tmp_path: Path) -> None:
    named = tmp_path / "none.env"
    urls = {
        "DATABASE_URL": f"postgres://etl:etl@127.0.0.1:{free_port()}/etl",
        "BROKER_URL": f"amqp://etl:etl@127.0.0.1:{free_port()}/etl",
        "CHANNEL_LAYER_URL": f"redis://127.0.0.1:{free_port()}/0",
    }
    named.write_text("".join(f"{name}={url}\n" for name, url in urls.items()))
    code = "import shutil, sys; shutil.which = lambda name, path='': None; "
    code += "from deploy.services import main; sys.exit(main())"
    environment = {name: value for name, value in os.environ.items() if name not in urls}
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env={**environment, "ENV_FILE": str(named)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert told.returncode == 1
    lines = told.stdout.splitlines()
    assert [line.split()[0] for line in lines] == ["PostgreSQL", "RabbitMQ", "Redis"]
    assert all("not there" in line and "apt-get install" in line for line in lines)
    local = (ROOT / "deploy" / "local.env").read_text()
    assert all(f"{name}=" in local and "127.0.0.1" in local for name in urls)
