"""The set of docker/compose.yaml in podman, for machines where `podman-compose` cannot run the file (podman 4.3).

No health check runs by itself: `up`, `scale` and `roll` run them. A tmpfs with `uid=` is a volume of the type tmpfs.
`restart:`, `start_interval:` and `build:` are left out.
"""

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Network
from pathlib import Path
from typing import Any

from tests.services.environment import child_environment

__all__ = ["PodmanSet", "podman"]

HEALTH_SECONDS = 120.0


def podman(*arguments: str | Path, check: bool = True, seconds: float = 120.0) -> "subprocess.CompletedProcess[str]":
    """Run podman. check: a failure is an AssertionError with the words of podman."""
    line = ["podman", *map(str, arguments)]
    ended = subprocess.run(line, env=child_environment(), capture_output=True, text=True, timeout=seconds)
    assert not check or ended.returncode == 0, f"podman {' '.join(line[1:4])}: {ended.stdout}{ended.stderr}"
    return ended


class PodmanSet:
    """Containers, networks and volumes of one compose file, all named by the project."""

    def __init__(self, compose: Mapping[str, Any], folder: Path, project: str) -> None:
        """compose: the document with its variables filled in. folder: of relative paths in the document."""
        self.services: Mapping[str, Any] = compose["services"]
        self._compose, self._folder, self._project = compose, folder, project
        self._images: dict[str, str] = {}

    def up(self) -> None:
        """Start all services behind those that they need, and wait until each is healthy."""
        self._make_networks(self._compose.get("networks", {}))
        for service in self._ordered():
            for number in range(1, self.services[service].get("deploy", {}).get("replicas", 1) + 1):
                self.start(service, number)
            if "healthcheck" not in self.services[service]:
                code = podman("wait", self.name(service)).stdout.strip()
                assert code == "0", self.log(service)

    def take_in(self, compose: Mapping[str, Any]) -> None:
        """Go on with a document that has further services and networks. What runs is as before until its renewal."""
        known = self._compose.get("networks", {})
        self._make_networks({name: options for name, options in compose["networks"].items() if name not in known})
        self.services, self._compose = compose["services"], compose

    def start(self, service: str, number: int = 1) -> None:
        """Start a replica that is not there, and wait until it is healthy."""
        spec, name = self.services[service], self.name(service, number)
        options = [option for part in _OPTIONS for option in part(self, service, spec, number)]
        command = _plain(spec.get("command", []))
        image = self._images.get(service, spec["image"])
        podman("run", "--detach", "--name", name, *options, image, *command)
        if "healthcheck" in spec:
            self.await_health(service, number)

    def stop(self, service: str, number: int = 1) -> int:
        """Stop and remove a replica as the engine does it; returns its exit code."""
        name = self.name(service, number)
        podman("stop", name)
        code = int(podman("inspect", "--format", "{{.State.ExitCode}}", name).stdout)
        podman("rm", name)
        self._remove_volumes(f"{name}-")
        return code

    def roll(self, service: str) -> list[int]:
        """Renew the replicas one after another; returns the exit codes of the old ones."""
        codes = []
        for number in range(1, len(self.running(service)) + 1):
            codes.append(self.stop(service, number))
            self.start(service, number)
        return codes

    def running(self, service: str) -> list[str]:
        filters = ["--filter", f"label=set={self._project}", "--filter", f"label=service={service}"]
        return sorted(podman("ps", *filters, "--format", "{{.Names}}").stdout.split())

    def await_health(self, service: str, number: int = 1) -> None:
        kind, *test = _plain(self.services[service]["healthcheck"]["test"])
        line = ["sh", "-c", *test] if kind == "CMD-SHELL" else test
        until = time.monotonic() + HEALTH_SECONDS
        while (tried := podman("exec", self.name(service, number), *line, check=False)).returncode != 0:
            is_late = time.monotonic() > until or self.name(service, number) not in self.running(service)
            assert not is_late, f"{service} is not healthy: {tried.stderr}{self.log(service, number)}"
            time.sleep(0.5)

    def down(self) -> None:
        """Remove everything of the set."""
        for name in podman(
            "ps", "--all", "--filter", f"label=set={self._project}", "--format", "{{.Names}}"
        ).stdout.split():
            podman("rm", "--force", "--time", "2", name, check=False)
        for name in self._compose.get("networks", {}):
            podman("network", "rm", "--force", f"{self._project}_{name}", check=False)
        self._remove_volumes(f"{self._project}-")
        self._remove_volumes(f"{self._project}_")

    def name(self, service: str, number: int = 1) -> str:
        return f"{self._project}-{service}-{number}"

    def log(self, service: str, number: int = 1) -> str:
        answer = podman("logs", self.name(service, number), check=False)
        return answer.stdout + answer.stderr

    def _addresses(self, network: str) -> dict[str, IPv4Address]:
        """Fixed addresses in a network that has a range: the name server of podman leaves a busy machine without answer
        for half a minute, and a proxy asks for a name with each request. Docker's answers."""
        ranges = (self._compose["networks"][network] or {}).get("ipam", {}).get("config", ())
        hosts = [address for each in ranges for address in IPv4Network(each["subnet"]).hosts()][1:]
        members = [name for name, spec in self.services.items() if network in spec["networks"]]
        return dict(zip(members, hosts, strict=False))

    def _make_networks(self, networks: Mapping[str, Mapping[str, Any] | None]) -> None:
        for name, options in networks.items():
            internal = ["--internal"] if (options or {}).get("internal") else []
            subnets = [f"--subnet={each['subnet']}" for each in (options or {}).get("ipam", {}).get("config", ())]
            podman("network", "create", *internal, *subnets, f"{self._project}_{name}")

    def _remove_volumes(self, beginning: str) -> None:
        for volume in podman("volume", "ls", "--format", "{{.Name}}").stdout.split():
            if volume.startswith(beginning):
                podman("volume", "rm", "--force", volume, check=False)

    def _ordered(self) -> list[str]:
        order: list[str] = []

        def visit(service: str) -> None:
            for need in self.services[service].get("depends_on", {}):
                visit(need)
            if service not in order:
                order.append(service)

        for service in self.services:
            visit(service)
        return order

    def _who(self, service: str, spec: Mapping[str, Any], number: int) -> Iterator[str]:
        yield from ("--hostname", f"{service}-{number}")
        yield from ("--label", f"set={self._project}", "--label", f"service={service}")
        # With several networks, a name server of podman sometimes gives no answer.
        yield "--dns-opt=timeout:1"
        for network in spec["networks"]:
            options = [f"alias={service}"]
            addresses = self._addresses(network)
            if addresses:
                options += [f"ip={addresses[service]}", f"mac=02:00:00:00:00:{int(addresses[service]) & 255:02x}"]
                yield from (f"--add-host={other}:{address}" for other, address in addresses.items() if other != service)
            yield from ("--network", f"{self._project}_{network}:{','.join(options)}")
        yield from (f"--env={key}={value}" for key, value in spec.get("environment", {}).items())

    def _rights(self, service: str, spec: Mapping[str, Any], number: int) -> Iterator[str]:
        yield from ("--read-only", "--read-only-tmpfs=false") if spec.get("read_only") else ()
        yield from ("--init",) if spec.get("init") else ()
        yield from (f"--cap-drop={each}" for each in spec.get("cap_drop", ()))
        yield from (f"--cap-add={each}" for each in spec.get("cap_add", ()))
        yield from (f"--security-opt={each.replace(':true', '')}" for each in spec.get("security_opt", ()))
        yield from (f"--group-add={each}" for each in spec.get("group_add", ()))
        pairs = (("user", "user"), ("shm_size", "shm-size"), ("stop_signal", "stop-signal"), ("mem_limit", "memory"))
        yield from (f"--{option}={spec[key]}" for key, option in (*pairs, ("pids_limit", "pids-limit")) if key in spec)
        yield f"--stop-timeout={str(spec.get('stop_grace_period', '10s')).removesuffix('s')}"

    def _files(self, service: str, spec: Mapping[str, Any], number: int) -> Iterator[str]:
        yield from (f"--publish={each}" for each in spec.get("ports", ()))
        for volume in spec.get("volumes", ()):
            source, target = volume.split(":", 1)
            if source.startswith("."):
                source = str((self._folder / source).resolve())
            yield f"--volume={source if source.startswith('/') else f'{self._project}_{source}'}:{target}"
        for secret in spec.get("secrets", ()):
            source = (self._folder / self._compose["secrets"][secret]["file"]).resolve()
            yield f"--volume={source}:/run/secrets/{secret}:ro"
        for mount in spec.get("tmpfs", ()):
            target, _, options = mount.partition(":")
            if "uid=" not in options:
                yield f"--tmpfs={mount if options else f'{mount}:noexec,nosuid,nodev'}"
                continue
            name = f"{self.name(service, number)}-{target.strip('/').replace('/', '-')}"
            kinds = ["--opt", "type=tmpfs", "--opt", "device=tmpfs"]
            # `size` of a volume needs a file system with quotas.
            kept = [each for each in options.split(",") if each != "exec" and not each.startswith("size=")]
            podman("volume", "create", *kinds, "--opt", f"o=nosuid,nodev,{','.join(kept)}", name)
            yield f"--volume={name}:{target}"


def _plain(words: str | Sequence[str]) -> list[str]:
    """A command without the second dollar that keeps compose from filling in a variable."""
    return [word.replace("$$", "$") for word in ([words] if isinstance(words, str) else words)]


_Part = Callable[[PodmanSet, str, Mapping[str, Any], int], Iterator[str]]
_OPTIONS: Sequence[_Part] = (PodmanSet._who, PodmanSet._rights, PodmanSet._files)
