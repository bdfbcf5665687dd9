from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.environment import Environment

from ..plain import as_dict

T = TypeVar("T", bound="CommandCheck")


@_attrs_define
class CommandCheck:
    """
    Attributes:
        command (list[str] | Unset): Program and arguments, started without a shell.
        script (str | Unset): Shell source, run by `sh` as written.
        env (Environment | Unset):
        working_dir (str | Unset): Absolute path of the folder that the task runs in; a new one of its own when absent.
        fail_on_exit_codes (list[int] | Unset): Exit codes that fail the try. After every other one but 0 the task waits
            on.
    """

    command: list[str] | Unset = UNSET
    script: str | Unset = UNSET
    env: Environment | Unset = UNSET
    working_dir: str | Unset = UNSET
    fail_on_exit_codes: list[int] | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        command: list[str] | Unset = UNSET
        if not isinstance(self.command, Unset):
            command = self.command

        script = self.script

        env: dict[str, Any] | Unset = UNSET
        if not isinstance(self.env, Unset):
            env = as_dict(self.env)

        working_dir = self.working_dir

        fail_on_exit_codes: list[int] | Unset = UNSET
        if not isinstance(self.fail_on_exit_codes, Unset):
            fail_on_exit_codes = self.fail_on_exit_codes

        field_dict: dict[str, Any] = {}

        field_dict.update({})
        if command is not UNSET:
            field_dict["command"] = command
        if script is not UNSET:
            field_dict["script"] = script
        if env is not UNSET:
            field_dict["env"] = env
        if working_dir is not UNSET:
            field_dict["working_dir"] = working_dir
        if fail_on_exit_codes is not UNSET:
            field_dict["fail_on_exit_codes"] = fail_on_exit_codes

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.environment import Environment  # noqa: PLC0415

        d = dict(src_dict)
        command = cast(list[str], d.pop("command", UNSET))

        script = d.pop("script", UNSET)

        _env = d.pop("env", UNSET)
        env: Environment | Unset
        if isinstance(_env, Unset):
            env = UNSET
        else:
            env = Environment.from_dict(_env)

        working_dir = d.pop("working_dir", UNSET)

        fail_on_exit_codes = cast(list[int], d.pop("fail_on_exit_codes", UNSET))

        command_check = cls(
            command=command,
            script=script,
            env=env,
            working_dir=working_dir,
            fail_on_exit_codes=fail_on_exit_codes,
        )

        return command_check
