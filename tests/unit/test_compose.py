"""Is the production set-up valid, and as closed as it claims? (There is no Docker engine here to run it.)

The official schema of the Compose specification comes with the package check-jsonschema, at the version in uv.lock.
"""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import click
import jsonschema
import pytest
import yaml

from config.settings import Settings, load_settings
from tests.architecture.command_line import parsed

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if service.get("command", [""])[0] == "tocsin"}
LONG_RUNNING = {name: service for name, service in SERVICES.items() if service.get("restart") != "no"}
QUEUES = {"collect", "assess", "crisis", "retry", "upkeep"}
DOCKERFILE = (ROOT / "Dockerfile").read_text()


@pytest.fixture(scope="module")
def specification():
    """A validator for the official schema of the Compose specification."""
    schemas = pytest.importorskip("check_jsonschema.builtin_schemas", reason="check-jsonschema is not installed")
    schema = schemas.get_builtin_schema("vendor.compose-spec")
    return jsonschema.validators.validator_for(schema)(schema)


def test_the_file_is_valid_by_the_compose_specification(specification):
    faults = [f"{'/'.join(map(str, fault.path))}: {fault.message}" for fault in specification.iter_errors(COMPOSE)]
    assert faults == []


@pytest.mark.parametrize("wrong", [{"read_onyl": True}, {"restart": 1}, {"networks": "inside"}, {"tmpfs": [1]}])
def test_the_schema_check_refuses_a_misspelt_key_and_a_wrong_type(specification, wrong):
    assert not specification.is_valid({"services": {"web": {"image": "tocsin"} | wrong}})


def test_every_part_of_the_product_has_its_service():
    assert set(SERVICES) == {"redis", "postgres", "migrate", "web", "worker", "worker-crisis", "scheduler"}
    assert set(OURS) == set(SERVICES) - {"redis", "postgres"}


def test_the_workers_serve_each_queue_exactly_once_and_slow_feeds_share_none_with_the_crisis():
    served = {name: _option(SERVICES[name], "--queues").split(",") for name in ("worker", "worker-crisis")}
    assert served["worker-crisis"] == ["crisis", "upkeep"]
    assert sorted(queue for queues in served.values() for queue in queues) == sorted(QUEUES)


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_command_and_health_check_of_ours_is_one_that_tocsin_understands(name):
    commands = [OURS[name]["command"], OURS[name].get("healthcheck", {}).get("test", ["CMD"])[1:]]
    for words in commands:
        if words and words[0] == "tocsin":
            parsed(words)


def test_the_image_starts_with_a_command_that_tocsin_understands():
    (words,) = re.findall(r"^CMD (\[.*\])", DOCKERFILE, re.MULTILINE)
    parsed(yaml.safe_load(words))


def test_a_command_that_does_not_exist_is_refused():
    with pytest.raises(click.UsageError):
        parsed(["tocsin", "wrok"])


def test_each_worker_answers_for_its_own_queues():
    for name in ("worker", "worker-crisis"):
        check = {"command": SERVICES[name]["healthcheck"]["test"]}
        assert _option(check, "--queues") == _option(SERVICES[name], "--queues")


def _interpolated(value: str, outside: dict[str, str]) -> str:
    """What Compose makes of ${NAME:-default} and ${NAME:+replacement}."""
    value = re.sub(r"\$\{(\w+):\+([^}]*)\}", lambda found: found[2] if outside.get(found[1]) else "", value)
    return re.sub(r"\$\{(\w+):-([^}]*)\}", lambda found: outside.get(found[1]) or found[2], value)


@pytest.mark.parametrize("outside", [{}, {"TOCSIN_HOSTS": "tocsin.example.org", "TOCSIN_HTTPS": "false"}])
@pytest.mark.parametrize("name", sorted(OURS))
def test_the_environment_of_each_service_makes_valid_settings(name, outside, monkeypatch, tmp_path):
    for variable in [variable for variable in os.environ if re.match(r"TOCSIN_|DATABASE_URL|REDIS_URL", variable)]:
        monkeypatch.delenv(variable)
    for secret in OURS[name]["secrets"]:
        (tmp_path / secret).write_text(f"redis://{secret}\n")
    for variable, value in OURS[name]["environment"].items():
        monkeypatch.setenv(variable, _interpolated(value, outside).replace("/run/secrets", str(tmp_path)))
    settings = load_settings()
    assert settings.secret_key.get_secret_value() == "redis://secret_key"
    assert settings.redis_url.get_secret_value() == "redis://redis_url"
    assert settings.hosts == ("localhost", "127.0.0.1", *(["tocsin.example.org"] if outside else []))
    assert settings.log_format == "json"
    if name == "web":
        assert settings.https is not bool(outside)
        assert settings.bind == "0.0.0.0:8080"


def test_no_variable_of_ours_is_misspelt():
    known = {field.alias or f"TOCSIN_{key.upper()}" for key, field in Settings.model_fields.items()}
    used = {variable.removesuffix("_FILE") for service in OURS.values() for variable in service["environment"]}
    # TOCSIN_PROCESS_FILE is a setting of its own, so its suffix stays.
    assert used - known - {"TOCSIN_PROCESS"} == set()


def _option(service: dict[str, object], name: str) -> str:
    command = service["command"]
    return command[command.index(name) + 1]


@pytest.mark.parametrize("name", sorted(SERVICES))
class TestEveryService:
    def test_runs_as_an_unprivileged_numeric_user(self, name):
        user, _, group = str(SERVICES[name]["user"]).partition(":")
        assert int(user) > 0
        assert int(group) > 0

    def test_cannot_change_its_own_files(self, name):
        assert SERVICES[name]["read_only"] is True
        assert any(mount.startswith("/tmp:") and "noexec" in mount for mount in SERVICES[name]["tmpfs"])  # noqa: S108 - a mount inside the container

    def test_has_no_capability_and_can_gain_none(self, name):
        assert SERVICES[name]["cap_drop"] == ["ALL"]
        assert "cap_add" not in SERVICES[name]
        assert "privileged" not in SERVICES[name]
        assert SERVICES[name]["security_opt"] == ["no-new-privileges:true"]

    def test_is_bounded_in_memory_processor_processes_and_log(self, name):
        assert set(SERVICES[name]["deploy"]["resources"]["limits"]) == {"cpus", "memory", "pids"}
        assert set(SERVICES[name]["logging"]["options"]) == {"max-size", "max-file"}

    def test_can_be_started_more_than_once(self, name):
        assert "container_name" not in SERVICES[name]

    def test_publishes_nothing_beyond_loopback(self, name):
        assert all(port.startswith("127.0.0.1:") for port in SERVICES[name].get("ports", []))

    def test_mounts_only_secrets_that_exist(self, name):
        assert set(SERVICES[name]["secrets"]) <= set(COMPOSE["secrets"])

    def test_stands_on_networks_that_exist(self, name):
        assert set(SERVICES[name]["networks"]) <= set(COMPOSE["networks"])

    def test_keeps_data_only_in_named_volumes(self, name):
        sources = {mount.partition(":")[0] for mount in SERVICES[name].get("volumes", [])}
        assert sources <= set(COMPOSE["volumes"])


@pytest.mark.parametrize("name", sorted(LONG_RUNNING))
def test_every_long_running_service_is_watched_restarted_and_given_time_to_stop(name):
    service = LONG_RUNNING[name]
    assert {"test", "interval", "timeout", "retries", "start_period"} == set(service["healthcheck"])
    assert service["restart"] == "unless-stopped"
    assert re.fullmatch(r"\d+s", service["stop_grace_period"])


def test_the_migration_runs_once_and_everything_of_ours_waits_for_it():
    assert SERVICES["migrate"]["restart"] == "no"
    assert SERVICES["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    for name in set(OURS) - {"migrate"}:
        assert SERVICES[name]["depends_on"]["migrate"]["condition"] == "service_completed_successfully", name


def test_a_service_that_can_be_scaled_publishes_no_port():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["web"]


def test_the_servers_can_be_reached_only_from_the_internal_network():
    assert COMPOSE["networks"]["inside"]["internal"] is True
    assert SERVICES["redis"]["networks"] == ["inside"]
    assert SERVICES["postgres"]["networks"] == ["inside"]


def test_redis_keeps_every_message_it_accepted():
    command = SERVICES["redis"]["command"]
    wanted = {"--appendonly": "yes", "--appendfsync": "everysec", "--save": "", "--maxmemory-policy": "noeviction"}
    assert {option: _option(SERVICES["redis"], option) for option in wanted} == wanted
    assert all(isinstance(word, str) for word in command)
    assert "redis-data:/data" in SERVICES["redis"]["volumes"]


def test_postgres_is_new_enough():
    major = int(re.match(r"postgres:(\d+)", SERVICES["postgres"]["image"])[1])
    assert major >= 15


def test_every_image_names_its_version():
    bases = re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE)
    images = {service["image"] for service in SERVICES.values()}
    assert bases
    for image in [*bases, *images]:
        assert re.search(r":[^:]*\d", image), image
        assert "latest" not in image


def test_no_secret_stands_in_the_file():
    assert all(set(secret) == {"file"} for secret in COMPOSE["secrets"].values())
    text = (ROOT / "docker-compose.yml").read_text() + DOCKERFILE
    assert not re.search(r"://[^/\s:]*:[^/\s@]+@", text)
    for service in SERVICES.values():
        for variable, value in service.get("environment", {}).items():
            if re.search(r"PASSWORD|SECRET|KEY|TOKEN|_URL", variable):
                assert variable.endswith("_FILE"), variable
                assert value.removeprefix("/run/secrets/") in service["secrets"], variable


def test_the_secret_script_writes_every_secret_once_and_keeps_what_is_there(tmp_path):
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "make").write_bytes((ROOT / "secrets" / "make").read_bytes())
    for _ in range(2):
        subprocess.run(["bash", folder / "make"], check=True, capture_output=True, timeout=30)
    written = {file.name: file.read_text().strip() for file in folder.iterdir() if file.name != "make"}
    assert set(written) == {Path(secret["file"]).name for secret in COMPOSE["secrets"].values()}
    assert written["postgres_password"] in written["database_url"]
    assert written["redis.conf"].removeprefix("requirepass ") in written["redis_url"]
    assert len({written["postgres_password"], written["secret_key"], written["redis.conf"]}) == 3
    assert folder.stat().st_mode & 0o077 == 0
    assert all((folder / name).stat().st_mode & 0o222 == 0 for name in written)


def test_git_ignores_all_of_the_secret_folder_but_its_script():
    lines = (ROOT / "secrets" / ".gitignore").read_text().splitlines()
    assert [line for line in lines if not line.startswith("#")] == ["*", "!.gitignore", "!make"]
    assert {Path(secret["file"]).parent for secret in COMPOSE["secrets"].values()} == {Path("secrets")}


def test_every_variable_that_the_file_takes_from_outside_is_in_the_example():
    taken = set(re.findall(r"\$\{([A-Z_]+)", (ROOT / "docker-compose.yml").read_text()))
    offered = set(re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))
    assert taken == offered


def test_the_image_is_built_from_the_lock_file_and_ends_as_an_unprivileged_user():
    syncs = re.findall(r"uv sync .*", DOCKERFILE)
    assert syncs
    assert all("--locked" in sync and "--no-dev" in sync for sync in syncs)
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE)[-1] == "10001:10001"
    assert SERVICES["web"]["user"] == "10001:10001"


def test_the_build_context_holds_exactly_what_the_image_copies():
    allowed = set(re.findall(r"^!(\S+)", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    copies = [
        line.split()[1:-1] for line in DOCKERFILE.splitlines() if line.startswith("COPY ") and "--from" not in line
    ]
    assert allowed == {source for sources in copies for source in sources}
