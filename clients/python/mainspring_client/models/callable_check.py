from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.environment import Environment
    from ..models.keyword_arguments import KeywordArguments

from ..plain import as_dict

T = TypeVar("T", bound="CallableCheck")


@_attrs_define
class CallableCheck:
    """
    Attributes:
        callable_ (str): `package.module:function`, imported where the task runs.
        args (list[Any] | Unset): Positional arguments of the callable.
        kwargs (KeywordArguments | Unset):
        env (Environment | Unset):
        working_dir (str | Unset): Absolute path of the folder that the task runs in; a new one of its own when absent.
    """

    callable_: str
    args: list[Any] | Unset = UNSET
    kwargs: KeywordArguments | Unset = UNSET
    env: Environment | Unset = UNSET
    working_dir: str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        callable_ = self.callable_

        args: list[Any] | Unset = UNSET
        if not isinstance(self.args, Unset):
            args = self.args

        kwargs: dict[str, Any] | Unset = UNSET
        if not isinstance(self.kwargs, Unset):
            kwargs = as_dict(self.kwargs)

        env: dict[str, Any] | Unset = UNSET
        if not isinstance(self.env, Unset):
            env = as_dict(self.env)

        working_dir = self.working_dir

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "callable": callable_,
            }
        )
        if args is not UNSET:
            field_dict["args"] = args
        if kwargs is not UNSET:
            field_dict["kwargs"] = kwargs
        if env is not UNSET:
            field_dict["env"] = env
        if working_dir is not UNSET:
            field_dict["working_dir"] = working_dir

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.environment import Environment  # noqa: PLC0415
        from ..models.keyword_arguments import KeywordArguments  # noqa: PLC0415

        d = dict(src_dict)
        callable_ = d.pop("callable")

        args = cast(list[Any], d.pop("args", UNSET))

        _kwargs = d.pop("kwargs", UNSET)
        kwargs: KeywordArguments | Unset
        if isinstance(_kwargs, Unset):
            kwargs = UNSET
        else:
            kwargs = KeywordArguments.from_dict(_kwargs)

        _env = d.pop("env", UNSET)
        env: Environment | Unset
        if isinstance(_env, Unset):
            env = UNSET
        else:
            env = Environment.from_dict(_env)

        working_dir = d.pop("working_dir", UNSET)

        callable_check = cls(
            callable_=callable_,
            args=args,
            kwargs=kwargs,
            env=env,
            working_dir=working_dir,
        )

        return callable_check
