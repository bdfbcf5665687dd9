"""The manifests of kubernetes/: valid for Kubernetes, complete for Kustomize, and with settings that services know."""

import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
import yaml

from clients import generate
from mainspring_cli.config import Config, check_execution_exposure, check_exposure, load_config
from tests.services.environment import child_environment

ROOT = Path(__file__).parents[2]
BASE, EXAMPLE = ROOT / "kubernetes" / "base", ROOT / "kubernetes" / "example"
KUSTOMIZATION = "kustomization.yaml"
MOUNTED = "/run/secrets/"
OLDEST, NEWEST = "1.31", "1.37"
"""Versions of Kubernetes that the manifests are held against."""
SERVICES = ("api", "execution-api", "scheduler", "worker", "migrate")


def manifests(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.yaml") if path.name != KUSTOMIZATION)


def resources() -> Iterator[Mapping[str, Any]]:
    for path in [*manifests(BASE), *manifests(EXAMPLE)]:
        yield from yaml.safe_load_all(path.read_text())


def of_kind(kind: str) -> dict[str, Mapping[str, Any]]:
    return {each["metadata"]["name"]: each for each in resources() if each["kind"] == kind}


def pods() -> dict[str, Mapping[str, Any]]:
    """Name of the service -> the template of its pods."""
    return {
        name: each["spec"]["template"]["spec"] for kind in ("Deployment", "Job") for name, each in of_kind(kind).items()
    }


@pytest.mark.parametrize("version", [OLDEST, NEWEST])
def test_each_manifest_is_valid(version: str) -> None:
    program = generate.tool_environment("kubernetes.lock") / "bin" / "kubernetes-validate"
    line = [program, "--strict", "--kubernetes-version", version, *manifests(BASE), *manifests(EXAMPLE)]
    ended = subprocess.run(line, env=child_environment(), capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_kustomize_reads_every_manifest() -> None:
    base, example = (yaml.safe_load((folder / KUSTOMIZATION).read_text()) for folder in (BASE, EXAMPLE))
    assert sorted(base["resources"]) == [path.name for path in manifests(BASE)]
    assert sorted(example["resources"]) == ["../base", *(path.name for path in manifests(EXAMPLE))]
    assert base["namespace"] == example["namespace"] == next(iter(of_kind("Namespace")))
    assert [image["name"] for image in example["images"]] == ["mainspring"]
    (merged,) = example["configMapGenerator"]
    assert merged["name"] in of_kind("ConfigMap")


def test_there_are_the_services_of_the_compose_file() -> None:
    assert set(pods()) == set(SERVICES)
    compose = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
    for name, pod in pods().items():
        assert pod["containers"][0]["args"] == compose["services"][name]["command"]


@pytest.mark.parametrize("name", SERVICES)
def test_each_pod_has_few_rights_and_bounds(name: str) -> None:
    pod = pods()[name]
    (container,) = pod["containers"]
    security = container["securityContext"]
    assert security["readOnlyRootFilesystem"] is True
    assert security["allowPrivilegeEscalation"] is False
    assert security["capabilities"]["drop"] == ["ALL"]
    assert container["resources"]["limits"]["memory"]
    assert pod["automountServiceAccountToken"] is False
    if name == "worker":
        assert security["capabilities"]["add"] == ["CHOWN", "DAC_OVERRIDE", "KILL", "SETGID", "SETUID"]
    else:
        assert "add" not in security["capabilities"]
        assert (pod["securityContext"]["runAsNonRoot"], pod["securityContext"]["runAsUser"]) == (True, 10001)
    volumes = {volume["name"] for volume in pod["volumes"]}
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes


@pytest.mark.parametrize("name", SERVICES)
def test_each_service_starts_with_its_settings_and_gets_only_the_secrets_that_it_names(
    name: str, tmp_path: Path
) -> None:
    pod = pods()[name]
    (container,) = pod["containers"]
    given = of_kind("ConfigMap")["settings"]["data"] | {each["name"]: each["value"] for each in container["env"]}
    known = {f"MAINSPRING_{item.name.upper()}" for item in fields(Config)}
    assert {key.removesuffix("_FILE") for key in given if key.startswith("MAINSPRING_")} <= known
    (secret,) = (volume["secret"] for volume in pod["volumes"] if "secret" in volume)
    keys = {item["key"] for item in secret["items"]}
    mounted = {mount.get("subPath") for mount in container["volumeMounts"]} - {None}
    assert {value.removeprefix(MOUNTED) for key, value in given.items() if key.endswith("_FILE")} | mounted == keys
    for key in keys:
        value = "redis://redis" if "redis" in key else "postgresql://db/x" if key.endswith("-url") else "k" * 43 + "="
        (tmp_path / key).write_text("a1b2c3d4e5f6a7b8" if "token" in key else value)
    environment = {key: value.replace(MOUNTED, f"{tmp_path}/") for key, value in given.items()}
    config = load_config({}, environment).config
    if name == "api":
        check_exposure(config)
    if name == "execution-api":
        check_execution_exposure(config)


def test_the_example_makes_every_secret_that_a_pod_mounts() -> None:
    (made,) = yaml.safe_load((EXAMPLE / KUSTOMIZATION).read_text())["secretGenerator"]
    mounted = {
        item["key"]
        for pod in pods().values()
        for volume in pod["volumes"]
        for item in volume.get("secret", {}).get("items", ())
    }
    assert {file.removeprefix("secrets/") for file in made["files"]} == mounted
    script = (ROOT / "docker" / "make-secrets.sh").read_text() + (ROOT / "docs" / "kubernetes.md").read_text()
    assert [key for key in mounted if key.removesuffix("-default") not in script] == []


def test_selectors_choose_pods_that_are_there() -> None:
    labels = {
        name: each["spec"]["template"]["metadata"]["labels"]
        for kind in ("Deployment", "Job")
        for name, each in of_kind(kind).items()
    }
    for name, each in {**of_kind("Deployment"), **of_kind("PodDisruptionBudget")}.items():
        assert each["spec"]["selector"]["matchLabels"] == labels[name]
    for name, each in of_kind("Service").items():
        assert each["spec"]["selector"] == labels[name]
    assert of_kind("HorizontalPodAutoscaler")["worker"]["spec"]["scaleTargetRef"]["name"] in of_kind("Deployment")
    chosen = re.findall(r"app\.kubernetes\.io/name: ([\w-]+)", (BASE / "network-policies.yaml").read_text())
    assert set(chosen) <= labels.keys()
    base = yaml.safe_load((BASE / KUSTOMIZATION).read_text())
    (pairs,) = base["labels"]
    assert pairs == {"pairs": {"app.kubernetes.io/part-of": "mainspring"}, "includeTemplates": True}


def test_the_metric_of_the_autoscaler_is_one_that_the_server_has() -> None:
    """The tests of the API hold the names in the alert rules against its answer."""
    (metric,) = of_kind("HorizontalPodAutoscaler")["worker"]["spec"]["metrics"]
    rules = (ROOT / "docs" / "monitoring" / "alerts.yaml").read_text()
    assert metric["external"]["metric"]["name"] in re.findall(r"mainspring_\w+", rules)
