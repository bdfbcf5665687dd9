"""The processes of one attempt: their start, their output and their end."""

import contextlib
import errno
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from mainspring.attempts import Attempt
from mainspring.states import StateReason
from mainspring_executors import outputs
from mainspring_executors.attempt_log import AttemptLog
from mainspring_executors.environment import facts
from mainspring_executors.host import child, process_tree
from mainspring_executors.host.fork_server import Prepared
from mainspring_executors.protocol.refusals import Refused, is_refusal, refusal_of
from mainspring_executors.protocol.results import Result, TaskEnded, failed, skipped
from mainspring_executors.tasks.plan import Call, Program, Work

__all__ = ["Run", "start"]

_PIPE_READ_BYTES = 64 * 1024
_STATUS_BYTES_EXTRA = 64 * 1024
"""Room for the message that accompanies the outputs."""


@dataclass(kw_only=True, slots=True, eq=False)
class Run:
    """An attempt with a main process, from its start to the end of its last process."""

    work: Work
    plan: Program | Call
    pid: int
    """Pid of the main process; also the id of its session and its process group."""
    pipe: int
    """Reader of stdout and stderr, merged; -1 when closed."""
    status_pipe: int
    """Reader of the answer of a forked call; -1 for a program, and when closed."""
    log: AttemptLog
    status: bytearray = field(default_factory=bytearray)
    is_flush_due: bool = False
    stop: Result | None = None
    """The result of an attempt that the host stopped; None while it did not."""
    kill_at: float = 0.0
    """When KILL follows the TERM, in a stopped run."""
    exit_code: int | None = None
    """Exit code of the main process once it has ended; negative = ended by this signal."""
    ended_at: float = 0.0
    is_over: bool = False
    """The end of the run is reported."""
    has_survivors: bool = False
    """A process of the run did not die in time, and the report said `still_running`."""

    @property
    def attempt(self) -> Attempt:
        return self.work.attempt

    def signal_tree(self, *numbers: signal.Signals) -> None:
        """Signal the process group, and descendants that left the group and whose parents still live.

        Only until the main process is reaped: the kernel may reuse its pid afterwards.
        """
        outside = [pid for pid in process_tree.descendants(self.pid) if process_tree.group_of(pid) != self.pid]
        for number in numbers:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, number)
            for pid in outside:
                with contextlib.suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, number)

    def read_pipe(self) -> int | None:
        """Read once from the output. Returns the number of bytes; 0 at the end, `None` when the pipe is empty now."""
        data = _read(self.pipe)
        if data:
            self.log.write(data)
        return None if data is None else len(data)

    def read_status(self) -> int | None:
        """Read once from the answer of a call; drops bytes beyond the largest acceptable answer. Returns as
        `read_pipe`."""
        data = _read(self.status_pipe)
        if data and len(self.status) <= self.attempt.limits.output_bytes_max + _STATUS_BYTES_EXTRA:
            self.status += data
        return None if data is None else len(data)

    def close_pipes(self) -> None:
        """Read the rest of the pipes and close them. Idempotent.

        Only when no process writes to them, or when the host ignores the remaining writers.
        """
        if self.pipe < 0:
            return
        while self.read_pipe():
            pass
        os.close(self.pipe)
        self.pipe = -1
        if self.status_pipe >= 0:
            while self.read_status():
                pass
            os.close(self.status_pipe)
            self.status_pipe = -1

    def result(self) -> Result:
        """The result of the attempt. Only after the end of its processes.

        Raises:
            Refused: This machine has no room to read the outputs now.
        """
        if self.stop is not None:
            return self._with_outputs(replace(self.stop, exit_code=self.exit_code))
        if isinstance(self.plan, Call):
            return self._call_result()
        return self._program_result(self.plan)

    def _call_result(self) -> Result:
        try:
            return child.decode_result(bytes(self.status))
        except ValueError:
            return _ended_early(self.exit_code or 0)

    def _program_result(self, program: Program) -> Result:
        code = self.exit_code or 0
        if program.skip_exit_code is not None and code == program.skip_exit_code:
            message = f"the command ended with exit code {code}, which means skip (skip_exit_code)"
            return self._with_outputs(skipped(message, exit_code=code))
        if code < 0:
            return self._with_outputs(_killed(code))
        if code > 0:
            hint = ": the shell did not find a command that it was to run; see the log" if code == 127 else ""
            message = f"the command ended with exit code {code}{hint}"
            return self._with_outputs(failed(StateReason.EXIT_CODE, message, exit_code=code))
        try:
            encoded = self._outputs()
            return Result(exit_code=0, outputs_json=encoded.json, large=encoded.large)
        except TaskEnded as exc:
            return exc.result

    def _with_outputs(self, result: Result) -> Result:
        """A result other than a success, with what the program wrote; without outputs where they cannot be kept."""
        try:
            encoded = self._outputs()
            return replace(result, outputs_json=encoded.json, large=encoded.large)
        except TaskEnded:
            return result

    def _outputs(self) -> outputs.Encoded:
        """The outputs in the file of the program. Raises `TaskEnded` when they cannot be kept."""
        return outputs.from_file(self.work.output_path, self.work.room, texts=self.attempt.text_outputs)


def start(
    work: Work,
    plan: Program | Call,
    *,
    environ: Mapping[str, str],
    code_path: tuple[str, ...],
    fork: Callable[[], Prepared],
    emit: Callable[[bytes], None],
) -> Run:
    """Make the private folder and start the main process, in a session of its own.

    environ: the environment of every attempt.
    fork: returns a process for a call, forked from this process and therefore with `environ`. Programs do not use it.

    Raises:
        TaskEnded: The attempt cannot start; only the folder remains.
        Refused: This machine has no room for the attempt now; nothing remains.
    """
    attempt = work.attempt
    try:
        os.mkdir(work.folder, 0o700)
        env = _own_variables(work, plan)
        cwd = plan.working_dir or work.folder
        if isinstance(plan, Program):
            pid, pipe, status_pipe = _start_program(plan, env={**environ, **env}, cwd=cwd)
        else:
            order = child.encode_order(work, env=env, cwd=cwd, code_path=code_path)
            pid, pipe, status_pipe = _start_call(order, fork)
    except Refused:
        _remove_files(work, plan)
        raise
    except OSError as exc:
        if is_refusal(exc):
            _remove_files(work, plan)
            raise refusal_of(exc) from exc
        raise TaskEnded(failed(StateReason.EXCEPTION, f"no process can be started: {exc}")) from exc
    log = AttemptLog(attempt.attempt_id, limits=attempt.limits, secrets=attempt.secrets, emit=emit)
    return Run(work=work, plan=plan, pid=pid, pipe=pipe, status_pipe=status_pipe, log=log)


def _remove_files(work: Work, plan: Program | Call) -> None:
    """Remove the files of a refused start. Needs no free descriptor."""
    for path in plan.files if isinstance(plan, Program) else ():
        with contextlib.suppress(OSError):
            os.unlink(path)
    with contextlib.suppress(OSError):
        os.rmdir(work.folder)


def _read(pipe: int) -> bytes | None:
    try:
        return os.read(pipe, _PIPE_READ_BYTES)
    except BlockingIOError:
        return None


def _own_variables(work: Work, plan: Program | Call) -> dict[str, str]:
    """The environment variables of this attempt alone. They win over the common variables."""
    env = {"TMPDIR": work.folder, **plan.env, **facts(work.attempt), "MAINSPRING_OUTPUT": work.output_path}
    if isinstance(plan, Program) and work.input_path in plan.files:
        env["MAINSPRING_INPUT"] = work.input_path
    return env


def _start_program(program: Program, *, env: Mapping[str, str], cwd: str) -> tuple[int, int, int]:
    for path, content in program.files.items():
        with open(path, "xb") as file:
            file.write(content)
    reader, writer = os.pipe2(os.O_CLOEXEC)
    os.set_blocking(reader, False)
    try:
        process = subprocess.Popen(
            program.argv, env=env, cwd=cwd, stdin=subprocess.DEVNULL, stdout=writer, stderr=writer,
            start_new_session=True,
        )  # fmt: skip
    except OSError as exc:
        os.close(reader)
        if is_refusal(exc):
            raise refusal_of(exc) from exc
        raise TaskEnded(_not_started(program.argv[0], exc)) from exc
    except BaseException:
        os.close(reader)
        raise
    finally:
        os.close(writer)
    # The host reaps all children itself. With a return code, the `Popen` object does not try.
    process.returncode = 0
    return process.pid, reader, -1


def _start_call(order: bytes, fork: Callable[[], Prepared]) -> tuple[int, int, int]:
    prepared = fork()
    try:
        prepared.begin(order)
    except OSError:
        # The prepared process was killed while it waited. A new process had no time for that.
        os.close(prepared.output)
        os.close(prepared.status)
        prepared = fork()
        prepared.begin(order)
    return prepared.pid, prepared.output, prepared.status


def _not_started(command: str, exc: OSError) -> Result:
    match exc.errno:
        case errno.ENOENT | errno.ENOTDIR:
            cure = "it was not found: install it on the machine that runs it, or name it by its path"
        case errno.EACCES:
            cure = "it may not be executed: make it executable (chmod +x)"
        case errno.ENOEXEC:
            cure = "it is no program: give it a #! line, or name its interpreter first"
        case errno.E2BIG:
            return failed(
                StateReason.REJECTED,
                "the arguments and `env` are too long for a process; hand large values over in a file",
            )
        case _:
            return failed(StateReason.EXCEPTION, f"command '{command}' cannot be started: {exc.strerror}")
    return failed(StateReason.COMMAND_NOT_FOUND, f"command '{command}' cannot be started: {cure}")


def _killed(code: int) -> Result:
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    hint = ", often for lack of memory" if -code == signal.SIGKILL else ""
    return failed(StateReason.KILLED, f"the process was ended by {name}, not by Mainspring{hint}", exit_code=code)


def _ended_early(code: int) -> Result:
    """The result of a forked call that ended without an answer."""
    if code < 0:
        return _killed(code)
    return failed(
        StateReason.EXIT_CODE, f"the process ended with exit code {code} before the callable returned", exit_code=code
    )
