"""Task type `shell`: a command as a list of arguments, or a script; nothing is ever spliced into shell source.

Payload: `command` (list) or `script` (text), `env`, `working_dir`, `skip_exit_code`. Outputs are `name=value` lines
in the file named by MAINSPRING_OUTPUT.
"""

from mainspring_executors.tasks.plan import Program, Work, environment_of, rejected, spell, working_dir_of

__all__ = ["plan"]


def plan(work: Work) -> Program:
    payload = work.payload
    command, script = payload.get("command"), payload.get("script")
    files = {}
    if isinstance(script, str) and command is None:
        argv = (*_interpreter(script), work.script_path)
        files[work.script_path] = script.encode("utf-8", "surrogatepass")
    elif isinstance(command, list | tuple) and command and script is None:
        argv = tuple(spell(item) for item in command)
        if not argv[0]:
            raise rejected("the first item of `command` is empty; it must name a program")
    else:
        raise rejected("a shell task needs either `command`, a list that is not empty, or `script`, a text")
    return Program(
        argv=argv,
        files=files,
        env=environment_of(work.attempt),
        working_dir=working_dir_of(work.attempt),
        skip_exit_code=payload.get("skip_exit_code"),
    )


def _interpreter(script: str) -> tuple[str, ...]:
    """The interpreter in the script's `#!` line, parsed like the kernel does (at most one argument), else `/bin/sh`.

    The script is named to its interpreter instead of being executed, so a folder mounted `noexec` does no harm.
    """
    first, _, _ = script.partition("\n")
    words = tuple(first[2:].strip().split(None, 1)) if first.startswith("#!") else ()
    return words or ("/bin/sh",)
