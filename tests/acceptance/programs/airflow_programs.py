"""Programs that others wrote for Airflow, each in an environment of its own, as processes that live through a test."""

import json
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clients.generate import tool_environment
from tests.services.environment import child_environment

__all__ = ["Answer", "CommandLoop", "McpServer", "command_loop", "mcp_server"]

_LOOP = Path(__file__).with_name("command_loop.py")


@dataclass(frozen=True, kw_only=True)
class Answer:
    """How one command ended."""

    exit_code: int
    output: str
    errors: str

    def json(self) -> Any:
        """The JSON document that the command printed; fails when the command failed."""
        assert self.exit_code == 0, f"{self.output}\n{self.errors}"
        return json.loads(self.output)


@dataclass(frozen=True, kw_only=True)
class CommandLoop:
    """A command-line program. One process runs all of its commands: the imports take seconds."""

    process: subprocess.Popen[str]

    def __call__(self, *arguments: str) -> Answer:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(arguments) + "\n")
        self.process.stdin.flush()
        return Answer(**json.loads(self.process.stdout.readline()))


@dataclass(kw_only=True)
class McpServer:
    """A server of the Model Context Protocol: JSON-RPC, a line each, over the standard streams."""

    process: subprocess.Popen[str]
    last_id: int = 0

    def initialize(self) -> None:
        client = {"name": "tests", "version": "1"}
        self.ask("initialize", {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client})
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})

    def tools(self) -> set[str]:
        """The names of the tools that the server offers."""
        return {tool["name"] for tool in self.ask("tools/list", {})["tools"]}

    def call(self, tool: str, **arguments: Any) -> Any:
        """The structured content of a tool's answer; fails when the tool failed."""
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})
        assert not result.get("isError"), result
        return result["structuredContent"]

    def refusal(self, tool: str, **arguments: Any) -> str:
        """The error text of a tool; fails when the tool succeeded."""
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})
        assert result["isError"], result
        text: str = result["content"][0]["text"]
        return text

    def ask(self, method: str, params: Mapping[str, Any]) -> Any:
        self.last_id += 1
        self._send({"jsonrpc": "2.0", "id": self.last_id, "method": method, "params": params})
        assert self.process.stdout is not None
        for line in self.process.stdout:
            message = json.loads(line)
            if message.get("id") == self.last_id:
                assert "error" not in message, message
                return message["result"]
        raise AssertionError(f"the program ended in {method}")

    def _send(self, message: Mapping[str, Any]) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()


@contextmanager
def command_loop(program: str, script: str, folder: Path, **variables: str) -> Iterator[CommandLoop]:
    """The console script of a program, whose lock file is `clients/<program>.lock`, with these variables."""
    python = tool_environment(f"{program}.lock") / "bin" / "python"
    with _started([python, "-I", _LOOP, script], folder, variables) as process:
        yield CommandLoop(process=process)


@contextmanager
def mcp_server(
    program: str, script: str, folder: Path, *, arguments: Sequence[str] = (), **variables: str
) -> Iterator[McpServer]:
    """An MCP server after its handshake. The lock file of its environment is `clients/<program>.lock`."""
    script_path = tool_environment(f"{program}.lock") / "bin" / script
    with _started([script_path, *arguments], folder, variables) as process:
        server = McpServer(process=process)
        server.initialize()
        yield server


@contextmanager
def _started(line: Sequence[str | Path], folder: Path, variables: Mapping[str, str]) -> Iterator[subprocess.Popen[str]]:
    # The home is a folder of the test, so that no configuration of a user is read.
    environment = child_environment(HOME=str(folder), **variables)
    with (folder / "errors.log").open("ab") as errors:
        process = subprocess.Popen(
            line,
            env=environment,
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()
