"""The compose file is valid, tight, and speaks of what is there."""

import re
import subprocess
import sys
from typing import Any, Final

import pytest

from tests.conftest import ROOT
from tests.deploy.compose import FILE, OURS, THEIRS, as_written, interpolations, services

NAMED: Final = re.compile(r"^#?([A-Z_]+)=", re.MULTILINE)
SECRET: Final = re.compile(r"PASS|SECRET|KEY|TOKEN")
LASTING: Final = [name for name in (*OURS, *THEIRS) if name != "migrate"]


def test_it_keeps_to_the_compose_specification() -> None:
    checked = subprocess.run(
        [
            *(sys.executable, "-m", "check_jsonschema"),
            *("--builtin-schema", "vendor.compose-spec", str(FILE)),
        ],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert checked.returncode == 0, checked.stdout


def test_it_runs_all_that_production_needs() -> None:
    assert set(services()) == {*OURS, *THEIRS}
    assert services()["scheduler"]["deploy"]["replicas"] == 2


def test_nothing_is_published_beyond_this_machine() -> None:
    published = {
        name: service["ports"] for name, service in services().items() if "ports" in service
    }
    assert set(published) == {"web", "rabbitmq"}
    for ports in published.values():
        assert all(port.startswith("127.0.0.1:") for port in ports)
    assert published["rabbitmq"] == ["127.0.0.1:15672:15672"]


def test_databases_have_no_way_out() -> None:
    assert as_written()["networks"]["servers"]["internal"] is True
    for name in ("postgres", "redis", "qdrant", "migrate", "worker-transform", "worker-load"):
        assert services()[name]["networks"] == ["servers"]


@pytest.mark.parametrize("name", [*OURS, *THEIRS])
def test_secrets_are_files_and_no_environment_holds_one(name: str) -> None:
    service = services()[name]
    for variable, value in service.get("environment", {}).items():
        if SECRET.search(variable):
            assert variable.endswith("_FILE"), variable
            assert value.startswith("/run/secrets/")
            assert value.removeprefix("/run/secrets/") in secrets_of(service)
        assert not re.search(r"://[^/@]*:[^/@]+@", value), f"{variable} holds a password"


def secrets_of(service: dict[str, Any]) -> set[str]:
    """The names of the secrets that a service gets."""
    return {each if isinstance(each, str) else each["source"] for each in service["secrets"]}


def test_every_secret_that_is_used_is_a_file_of_its_own() -> None:
    declared = as_written()["secrets"]
    used = set().union(*(secrets_of(each) for each in services().values() if "secrets" in each))
    assert used == set(declared)
    assert {name: each["file"] for name, each in declared.items()} == {
        name: f"deploy/secrets/{name}" for name in declared
    }


@pytest.mark.parametrize("name", OURS)
def test_every_variable_that_we_are_given_is_one_that_we_read(name: str) -> None:
    known = set(NAMED.findall((ROOT / ".env.example").read_text())) | {"PROCESS_NAME"}
    given = {each.removesuffix("_FILE") for each in services()[name]["environment"]}
    assert given <= known
    assert interpolations() <= known


@pytest.mark.parametrize("name", OURS)
def test_our_processes_may_do_nothing_that_they_need_not(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["init"] is True
    assert service["stop_grace_period"] == "30s"


@pytest.mark.parametrize("name", [*OURS, *THEIRS])
def test_every_service_has_limits_and_comes_back(name: str) -> None:
    service = services()[name]
    limits = service["deploy"]["resources"]["limits"]
    assert limits["memory"] and limits["cpus"]
    assert service["restart"] == ("on-failure:5" if name == "migrate" else "unless-stopped")
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["cap_drop"] == ["ALL"]


@pytest.mark.parametrize("name", LASTING)
def test_whatever_runs_on_is_asked_for_its_health(name: str) -> None:
    check = services()[name]["healthcheck"]
    assert set(check) == {"test", "interval", "timeout", "retries", "start_period"}


@pytest.mark.parametrize("name", [each for each in OURS if each != "migrate"])
def test_our_processes_wait_for_the_servers_and_the_tables(name: str) -> None:
    conditions = {each: on["condition"] for each, on in services()[name]["depends_on"].items()}
    assert conditions == {
        "migrate": "service_completed_successfully",
        "postgres": "service_healthy",
        "rabbitmq": "service_healthy",
        "redis": "service_healthy",
    }


def test_every_stage_has_workers() -> None:
    from jobs.models import Stage

    worked = [each for name in OURS for each in services()[name].get("command", [])]
    assert set(Stage.values) <= set(worked)


@pytest.mark.parametrize("name", THEIRS)
def test_images_of_others_are_of_one_version(name: str) -> None:
    assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+(\.\d+)?(-[a-z]+)?", services()[name]["image"])


def test_what_must_last_is_in_named_volumes() -> None:
    kept = {
        name: service["volumes"][0].partition(":")[0]
        for name, service in services().items()
        if "volumes" in service
    }
    assert kept == {"postgres": "postgres", "rabbitmq": "rabbitmq", "qdrant": "qdrant"}
    assert set(as_written()["volumes"]) == set(kept.values())
