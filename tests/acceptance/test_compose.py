"""What compose.yaml, its secrets and the Dockerfile say. `faults/test_compose.py` runs the services."""

import re
import stat
import subprocess
import tomllib
from dataclasses import fields
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mainspring_cli.config import (
    Config,
    check_execution_exposure,
    check_exposure,
    load_config,
    secret_file_variables,
)
from mainspring_cli.main import STAY
from tests.acceptance.compose import (
    BIN,
    DOCKER,
    FILLED,
    MOUNTED,
    OWN,
    RUNNING_TASKS,
    example,
    make_secrets,
    read_compose,
)
from tests.services.environment import child_environment

PROXY = "compose.proxy.yaml"


def test_each_secret_is_a_file_that_the_script_makes_and_no_environment_holds_one(tmp_path: Path) -> None:
    made = make_secrets(tmp_path)
    document = read_compose(FILLED)
    assert {name: {"file": f"./secrets/{name}"} for name in made} == document["secrets"]
    assert all(stat.S_IMODE((tmp_path / "secrets" / name).stat().st_mode) == 0o440 for name in made)
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    for service in document["services"].values():
        mounted = set(re.findall(rf"{MOUNTED}([\w-]+)", str(service)))
        assert mounted <= set(service.get("secrets", []))
        given = service.get("environment", {})
        hidden = {f"MAINSPRING_{item.name.upper()}" for item in fields(Config) if item.metadata.get("is_secret")}
        assert not given.keys() & {*hidden, "POSTGRES_PASSWORD", "REDIS_PASSWORD"}


def test_nothing_starts_while_the_names_of_the_api_are_missing() -> None:
    with pytest.raises(KeyError, match="MAINSPRING_ALLOWED_HOSTS"):
        read_compose({})


@pytest.mark.parametrize("name", [*OWN, "postgres", "redis"])
def test_each_container_has_few_rights_and_limits_of_memory_processors_and_processes(name: str) -> None:
    service = read_compose(FILLED)["services"][name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service
    assert service["mem_limit"]
    assert service["cpus"]
    assert service["pids_limit"]
    assert service["logging"]["options"]["max-size"]
    assert all("size=" in mount for mount in service["tmpfs"])
    if name in RUNNING_TASKS:
        assert service["user"] == "0:0"
        assert service["cap_add"] == ["CHOWN", "DAC_OVERRIDE", "KILL", "SETGID", "SETUID"]
        assert service["environment"]["MAINSPRING_TASK_USER"] == "mainspring-tasks"
    else:
        assert "cap_add" not in service
        assert service.get("user") != "0:0"


@pytest.mark.parametrize(
    ("name", "variable", "image"),
    [
        *((name, "MAINSPRING_IMAGE", "mainspring") for name in OWN),
        ("postgres", "POSTGRES_IMAGE", "postgres:18-alpine"),
        ("redis", "REDIS_IMAGE", "redis:8-alpine"),
    ],
)
def test_an_installation_can_pin_each_image(name: str, variable: str, image: str) -> None:
    assert read_compose(FILLED)["services"][name]["image"] == image
    pinned = f"{image}@sha256:{'0' * 64}"
    assert read_compose({**FILLED, variable: pinned})["services"][name]["image"] == pinned


def test_the_example_names_every_variable_that_is_used() -> None:
    text = "".join((DOCKER / name).read_text() for name in ("compose.yaml", PROXY))
    assert example().keys() - {"COMPOSE_FILE"} == set(re.findall(r"\$\{(\w+)", text))


class TestTheProxy:
    SERVICES = read_compose({**FILLED, "MAINSPRING_SITE": "flows.example.test"}, PROXY)["services"]

    def test_it_alone_is_published_and_has_few_rights(self) -> None:
        proxy = self.SERVICES["proxy"]
        assert {name: service["ports"] for name, service in self.SERVICES.items() if "ports" in service} == {
            "proxy": ["80:80", "443:443"]
        }
        assert (proxy["read_only"], proxy["cap_drop"], proxy["cap_add"]) == (True, ["ALL"], ["NET_BIND_SERVICE"])
        assert proxy["security_opt"] == ["no-new-privileges:true"]
        assert all(proxy[limit] for limit in ("mem_limit", "cpus", "pids_limit"))
        assert "secrets" not in proxy

    def test_two_apis_are_alike_and_believe_the_network_that_they_share_with_the_proxy_alone(self) -> None:
        first, second = self.SERVICES["api"], dict(self.SERVICES["api-2"])
        assert second.pop("depends_on") == {**first["depends_on"], "api": {"condition": "service_healthy"}}
        assert second == {key: value for key, value in first.items() if key != "depends_on"}
        assert {name for name, service in self.SERVICES.items() if "proxy" in service["networks"]} == {
            *("api", "api-2", "proxy")
        }
        document = read_compose({**FILLED, "MAINSPRING_SITE": "flows.example.test"}, PROXY)
        (network,) = document["networks"]["proxy"]["ipam"]["config"]
        assert network["subnet"] == first["environment"]["MAINSPRING_TRUSTED_PROXIES"]
        assert set(re.findall(r"\bapi[\w-]*:8080", (DOCKER / "Caddyfile").read_text())) == {"api:8080", "api-2:8080"}

    def test_nothing_starts_while_the_name_of_its_site_is_missing(self) -> None:
        with pytest.raises(KeyError, match="MAINSPRING_SITE"):
            read_compose(FILLED, PROXY)


@pytest.mark.parametrize("name", OWN)
def test_each_service_gets_only_the_secrets_that_it_needs(name: str) -> None:
    service = read_compose(FILLED)["services"][name]
    assert service["init"] is True
    given = set(service["secrets"])
    assert {f"{MOUNTED}{name}" for name in given} == {
        value for name, value in service["environment"].items() if name.endswith("_FILE")
    }
    assert ("admin-token" in given) == (name == "api")
    assert ("admin-password" in given) == (name == "api")
    assert ("database-url" in given) == (name != "worker")
    assert ("migrator-database-url" in given) == (name == "migrate")
    assert ("data" in service["networks"]) == (name != "worker")
    assert ("worker-tokens" in given) == (name == "execution-api")
    assert ("worker-token-default" in given) == (name == "worker")
    assert ("redis-url" in given) == (name == "scheduler")
    assert ("redis-url-default" in given) == (name == "worker")


def test_each_queue_has_a_worker_token_and_a_redis_user_that_open_nothing_else(tmp_path: Path) -> None:
    made = make_secrets(tmp_path, "default", "gpu")
    tokens = [made["worker-token-default"], made["worker-token-gpu"]]
    assert made["worker-tokens"] == f"default:{tokens[0]},gpu:{tokens[1]}"
    assert len({*tokens, made["admin-token"]}) == 3
    (documented,) = re.findall("^ACL SETUSER (.+)$", (DOCKER.parent / "docs" / "executors.md").read_text(), re.M)
    users = made["redis-users"].splitlines()
    for queue, line in zip(("default", "gpu"), users, strict=True):
        url = urlsplit(made[f"redis-url-{queue}"])
        assert url.password not in made["redis-url"]
        own = documented.replace("mainspring-gpu", f"mainspring-{queue}").replace("PASSWORD", str(url.password))
        assert line == f"user {own.replace('mainspring-worker', str(url.username), 1)}"
    (settings,) = re.findall(r"printf '(.*)' \\", str(read_compose(FILLED)["services"]["redis"]["command"][2]))
    assert "requirepass" in settings


def test_a_token_of_an_earlier_version_goes_on_working(tmp_path: Path) -> None:
    (tmp_path / "secrets").mkdir()
    (tmp_path / "secrets" / "worker-token").write_text("old")
    made = make_secrets(tmp_path)
    assert made["worker-tokens"] == f"old,default:{made['worker-token-default']}"


@pytest.mark.parametrize("name", OWN)
def test_the_settings_of_each_service_are_ones_that_it_starts_with(name: str, tmp_path: Path) -> None:
    make_secrets(tmp_path)
    given = read_compose(FILLED)["services"][name]["environment"]
    assert all(isinstance(value, str) for value in given.values())
    environment = {key: value.replace(MOUNTED, f"{tmp_path}/secrets/") for key, value in given.items()}
    config = load_config({}, environment).config
    assert not [key for key in given if key.startswith("MAINSPRING_") and not _is_setting(key)]
    if name == "api":
        check_exposure(config)
    if name == "execution-api":
        check_execution_exposure(config)


def test_only_the_api_is_published_and_on_loopback_unless_said_otherwise() -> None:
    services = read_compose(FILLED)["services"]
    assert {name: one["ports"] for name, one in services.items() if "ports" in one} == {"api": ["127.0.0.1:8080:8080"]}


def test_what_others_wait_for_has_a_health_check_and_the_tables_are_made_once() -> None:
    services = read_compose(FILLED)["services"]
    for one in services.values():
        for other, wish in one.get("depends_on", {}).items():
            if wish["condition"] == "service_healthy":
                assert "healthcheck" in services[other]
            else:
                assert (other, wish["condition"]) == ("migrate", "service_completed_successfully")
    assert services["migrate"]["restart"] == "no"


def test_the_image_is_made_as_the_linter_wants_it_and_runs_as_nobody_in_particular() -> None:
    answer = subprocess.run(
        [BIN / "hadolint", DOCKER / "Dockerfile"], env=child_environment(), capture_output=True, text=True
    )
    assert (answer.returncode, answer.stdout) == (0, "")
    text = (DOCKER / "Dockerfile").read_text()
    assert re.search(r"^USER 10001:10001$", text, re.MULTILINE)
    for line in re.findall(r"^RUN pip .*$", text, re.MULTILINE):
        assert "--require-hashes" in line or "--no-deps --no-build-isolation ./clients/python ." in line
    (image,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)", text, re.MULTILINE)
    assert re.fullmatch(r"python:3\.\d+-slim", image), "a tag, and no address of a registry"
    assert set(re.findall(r"^FROM (\S+)", text, re.MULTILINE)) == {"${PYTHON_IMAGE}"}
    arguments = read_compose({**FILLED, "PYTHON_IMAGE": "pinned"})["services"]["api"]["build"]["args"]
    assert arguments == {"PYTHON_IMAGE": "pinned"}


def test_the_image_gets_what_the_package_is_built_from_and_no_more() -> None:
    kept = re.findall(r"^!(.+)$", (DOCKER / "Dockerfile.dockerignore").read_text(), re.MULTILINE)
    root = DOCKER.parent
    assert all((root / name).exists() for name in kept)
    built = re.findall(r'^    "([a-z/]+)/mainspring\w*",$', (root / "pyproject.toml").read_text(), re.MULTILINE)
    project = tomllib.loads((root / "pyproject.toml").read_text())
    included = project["tool"]["hatch"]["build"]["targets"]["wheel"]["force-include"]
    assert {*built, *included} <= set(kept)


def _is_setting(variable: str) -> bool:
    settings = {f"MAINSPRING_{item.name.upper()}" for item in fields(Config)}
    return variable in settings | secret_file_variables() | {STAY}
