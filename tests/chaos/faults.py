"""What happens in a trial: drawn from its seed alone, so the same seed strikes the same way at the same moments."""

import re
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from random import Random

from tests.chaos.installation import LEASE_SECONDS, ROOT, Installation
from tests.chaos.small_disk import LACKS

__all__ = [
    "CANCELLED_RUN", "KINDS", "Fault", "drawn", "failpoints", "has_poison", "kinds_of", "needs_long_tasks",
    "needs_resisting_tasks", "strike",
]  # fmt: skip

CANCELLED_RUN = "run-2"
KINDS = (
    "failpoint", "signal", "server", "flapping server", "cancel", "slow clients", "descriptors", "full disk", "poison",
)  # fmt: skip
"""What a trial may hold."""
_ROLES = {
    "rq": ("api", "execution", "scheduler", "worker", "host", "zygote", "task"),
    "local": ("api", "scheduler", "host", "zygote", "task"),
    "thread": ("api", "scheduler", "host", "zygote", "task"),
}
_SIGNALS = (signal.SIGKILL, signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM)
SILENT, DRIPPING = 300, 100
"""Slow clients, several times as many as a server has threads."""
_LATEST_SECONDS = 1.2
"""After the first trigger; the runs take about two seconds without faults."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing that happens, at a moment."""

    at: float
    """Seconds after the first trigger; at 0, just before it."""
    kind: str
    """One of `KINDS`, apart from `poison`."""
    target: str
    """A failpoint; a role; `postgres` or `redis`; a run."""
    action: str = ""
    """`kill`, `raise`, `stop`; the name of a signal; `kept` or `emptied`; what a full disk lacks."""
    seconds: float = 0.0
    """How long what is stopped stays so, and a server away."""
    times: int = 1
    """How often a server goes away, each time as soon as it has come back."""
    pick: float = 0.0
    """Which of several processes, as a fraction."""

    def __str__(self) -> str:
        lasting = f" for {self.seconds:.1f} s" if self.seconds else ""
        lasting += f" {self.times} times" if self.times > 1 else ""
        return f"{self.target} {self.action}{lasting} at {self.at:.2f} s".replace("  ", " ")


def failpoints(executor: str) -> Sequence[str]:
    """The places in the code that processes of this executor can come to."""
    processes = ("api", "scheduler", "host", "zygote", *(("execution", "remote", "worker") if executor == "rq" else ()))
    return [name for name in _named() if name.partition(".")[0] in processes]


@cache
def _named() -> Sequence[str]:
    packages = ("core", "store", "executors", "scheduler", "api")
    sources = [path for package in packages for path in (ROOT / package).rglob("*.py")]
    return sorted({name for path in sources for name in re.findall(r'\bfailpoint\("([a-z.-]+)"\)', path.read_text())})


def drawn(seed: int, executor: str) -> Sequence[Fault]:
    """The faults of one trial, in order: one failpoint, each in its turn with the seeds, what it takes to come there,
    and up to two other faults."""
    random = Random(seed)
    places = failpoints(executor)
    place = places[seed % len(places)]
    action = random.choice(("kill", "kill", "kill", "raise", "stop"))
    is_early = place.startswith("api.trigger") or random.random() < 0.5
    at = 0.0 if is_early else random.uniform(0, _LATEST_SECONDS)
    faults = [Fault(at=at, kind="failpoint", target=place, action=action), *_way_to(place, random, executor)]
    faults += [_another(random, executor) for _ in range(random.choice((0, 0, 1, 1, 2)))]
    return sorted(faults, key=lambda fault: fault.at)


def needs_long_tasks(seed: int, executor: str) -> bool:
    """Whether processes come to the trial's failpoint only while a task runs for longer than a beat."""
    places = failpoints(executor)
    return any(word in places[seed % len(places)] for word in ("beat", "cancel", "host.stop", "interrupt", "kill"))


def needs_resisting_tasks(seed: int, executor: str) -> bool:
    """Whether processes come to the trial's failpoint only when a task does not end on a TERM."""
    places = failpoints(executor)
    return places[seed % len(places)] == "worker.kill.before"


def has_poison(seed: int) -> bool:
    """Whether a task that kills its host runs beside the others."""
    return Random(f"poison {seed}").random() < 0.25


def kinds_of(seed: int, executor: str) -> Sequence[str]:
    """The kind of each fault of a trial, in order; `poison` is the last."""
    kinds = [fault.kind for fault in drawn(seed, executor)]
    return [*kinds, "poison"] if has_poison(seed) else kinds


def _way_to(place: str, random: Random, executor: str) -> Sequence[Fault]:
    """What must happen for a process to come to a place that an ordinary run never reaches."""
    at = random.uniform(0.3, _LATEST_SECONDS)
    if "cancel" in place or place.startswith("host.stop"):
        return [Fault(at=at, kind="cancel", target=CANCELLED_RUN)]
    if executor != "rq":
        return []
    if place in ("worker.interrupt.before", "worker.kill.before"):
        seconds = LEASE_SECONDS * 1.5
        return [Fault(at=at, kind="signal", target="execution-all", action="SIGSTOP", seconds=seconds)]
    if place.startswith("remote.put-back"):
        return [Fault(at=at, kind="server", target="redis", action="emptied", seconds=0.1)]
    if place == "worker.goodbye":
        return [Fault(at=at, kind="signal", target="worker", action="SIGTERM", pick=random.random())]
    return []


def _another(random: Random, executor: str) -> Fault:
    at = random.uniform(0, _LATEST_SECONDS)
    kinds = ["failpoint", "failpoint", "signal", "signal", "signal", "cancel", "slow clients", "full disk"]
    if executor != "thread":  # functions on threads share the descriptors of their host
        kinds.append("descriptors")
    match random.choice(kinds + ["server"] * 2 if executor == "rq" else kinds):
        case "failpoint":
            action = random.choice(("kill", "raise", "stop"))
            return Fault(at=at, kind="failpoint", target=random.choice(failpoints(executor)), action=action)
        case "signal":
            number = random.choice(_SIGNALS)
            seconds = random.choice((0.3, 1.0, LEASE_SECONDS * 1.5)) if number is signal.SIGSTOP else 0.0
            role = random.choice(_ROLES[executor])
            return Fault(at=at, kind="signal", target=role, action=number.name, seconds=seconds, pick=random.random())
        case "descriptors":
            seconds = random.choice((0.3, 1.0, 3.0))
            return Fault(at=at, kind="descriptors", target="inner-host", seconds=seconds, pick=random.random())
        case "full disk":
            seconds, lacking = random.choice((0.3, 1.0, 3.0)), random.choice(LACKS)
            return Fault(at=at, kind="full disk", target="disk without", action=lacking, seconds=seconds)
        case "cancel":
            return Fault(at=at, kind="cancel", target=CANCELLED_RUN)
        case "slow clients":
            role = random.choice(("api", "execution") if executor == "rq" else ("api",))
            return Fault(at=at, kind="slow clients", target=role, action="slow clients", seconds=random.uniform(1, 4))
    server = random.choice(("postgres", "redis", "redis", "flapping redis"))
    if server == "flapping redis":
        seconds, times = random.uniform(0.3, 2.5), random.randint(3, 5)
        return Fault(at=at, kind="flapping server", target="redis", action="kept", seconds=seconds, times=times)
    kept = "kept" if server == "postgres" else random.choice(("kept", "emptied"))
    return Fault(at=at, kind="server", target=server, action=kept, seconds=random.uniform(0, 1.5))


def strike(installation: Installation, fault: Fault, tasks: Sequence[int]) -> None:
    """Do it now. A cancel is the trial's to make.

    tasks: the main processes of the tasks that run now.
    """
    installation.note(f"fault: {fault}")
    if fault.kind == "failpoint":
        installation.arm(fault.target, fault.action)
    elif fault.kind == "slow clients":
        installation.crowd(fault.target, SILENT, DRIPPING, seconds=fault.seconds)
    elif fault.kind == "full disk":
        installation.fill_disk(fault.action, seconds=fault.seconds)
    elif fault.kind in ("server", "flapping server"):
        is_emptied = fault.action == "emptied"
        installation.stop_server(fault.target, away_seconds=fault.seconds, is_emptied=is_emptied, times=fault.times)
    elif fault.kind == "descriptors":
        hosts = installation.pids(fault.target)
        for pid in hosts[int(fault.pick * len(hosts)) :][:1]:
            installation.take_descriptors(pid, seconds=fault.seconds)
    elif fault.kind == "signal":
        found = tasks if fault.target == "task" else installation.pids(fault.target.removesuffix("-all"))
        hit = list(found) if fault.target.endswith("-all") else found[int(fault.pick * len(found)) :][:1]
        for pid in hit:
            installation.signal(pid, signal.Signals[fault.action], pause_seconds=fault.seconds)
