from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.error_item import ErrorItem
    from ..models.problem_detail_type_1 import ProblemDetailType1
    from ..models.problem_detail_type_2_item import ProblemDetailType2Item

from ..plain import as_dict

T = TypeVar("T", bound="Problem")


@_attrs_define
class Problem:
    """
    Attributes:
        detail (list[ProblemDetailType2Item] | ProblemDetailType1 | str): A sentence; for most 422 a list of {loc, msg,
            type}; for 409 an object with `message`
        type_ (str): URI reference that names this kind of error, and leads to what is known about it
        title (str): Name of the HTTP status
        status (int): HTTP status code
        code (str): Stable name of this kind of error
        request_id (str): Identifier of the request, as in the server's log
        error (str | Unset): For `POST /auth/token/exchange`: the error of RFC 6749, `invalid_request` for example
        error_description (str | Unset): The same error in a sentence
        hint (str | Unset): For 404: the id that may be meant; absent = none is near
        errors (list[ErrorItem] | Unset): Faults of the request, at most 200
        errors_total (int | Unset): Number of all faults
        version_number (int | None | Unset): For 412: current version of the DAG, whose `ETag` is a header of the
            answer; null = none
    """

    detail: list[ProblemDetailType2Item] | ProblemDetailType1 | str
    type_: str
    title: str
    status: int
    code: str
    request_id: str
    error: str | Unset = UNSET
    error_description: str | Unset = UNSET
    hint: str | Unset = UNSET
    errors: list[ErrorItem] | Unset = UNSET
    errors_total: int | Unset = UNSET
    version_number: int | None | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        from ..models.problem_detail_type_1 import ProblemDetailType1  # noqa: PLC0415

        detail: dict[str, Any] | list[dict[str, Any]] | str
        if isinstance(self.detail, ProblemDetailType1):
            detail = as_dict(self.detail)
        elif isinstance(self.detail, list):
            detail = []
            for detail_type_2_item_data in self.detail:
                detail_type_2_item = as_dict(detail_type_2_item_data)
                detail.append(detail_type_2_item)

        else:
            detail = self.detail

        type_ = self.type_

        title = self.title

        status = self.status

        code = self.code

        request_id = self.request_id

        error = self.error

        error_description = self.error_description

        hint = self.hint

        errors: list[dict[str, Any]] | Unset = UNSET
        if not isinstance(self.errors, Unset):
            errors = []
            for errors_item_data in self.errors:
                errors_item = as_dict(errors_item_data)
                errors.append(errors_item)

        errors_total = self.errors_total

        version_number: int | None | Unset
        if isinstance(self.version_number, Unset):
            version_number = UNSET
        else:
            version_number = self.version_number

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "detail": detail,
                "type": type_,
                "title": title,
                "status": status,
                "code": code,
                "request_id": request_id,
            }
        )
        if error is not UNSET:
            field_dict["error"] = error
        if error_description is not UNSET:
            field_dict["error_description"] = error_description
        if hint is not UNSET:
            field_dict["hint"] = hint
        if errors is not UNSET:
            field_dict["errors"] = errors
        if errors_total is not UNSET:
            field_dict["errors_total"] = errors_total
        if version_number is not UNSET:
            field_dict["version_number"] = version_number

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.error_item import ErrorItem  # noqa: PLC0415
        from ..models.problem_detail_type_1 import ProblemDetailType1  # noqa: PLC0415
        from ..models.problem_detail_type_2_item import ProblemDetailType2Item  # noqa: PLC0415

        d = dict(src_dict)

        def _parse_detail(data: object) -> list[ProblemDetailType2Item] | ProblemDetailType1 | str:
            try:
                if not isinstance(data, dict):
                    raise TypeError()
                detail_type_1 = ProblemDetailType1.from_dict(data)

                return detail_type_1
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            try:
                if not isinstance(data, list):
                    raise TypeError()
                detail_type_2 = []
                _detail_type_2 = data
                for detail_type_2_item_data in _detail_type_2:
                    detail_type_2_item = ProblemDetailType2Item.from_dict(detail_type_2_item_data)

                    detail_type_2.append(detail_type_2_item)

                return detail_type_2
            except (TypeError, ValueError, AttributeError, KeyError):
                pass
            return cast(list[ProblemDetailType2Item] | ProblemDetailType1 | str, data)

        detail = _parse_detail(d.pop("detail"))

        type_ = d.pop("type")

        title = d.pop("title")

        status = d.pop("status")

        code = d.pop("code")

        request_id = d.pop("request_id")

        error = d.pop("error", UNSET)

        error_description = d.pop("error_description", UNSET)

        hint = d.pop("hint", UNSET)

        _errors = d.pop("errors", UNSET)
        errors: list[ErrorItem] | Unset = UNSET
        if _errors is not UNSET:
            errors = []
            for errors_item_data in _errors:
                errors_item = ErrorItem.from_dict(errors_item_data)

                errors.append(errors_item)

        errors_total = d.pop("errors_total", UNSET)

        def _parse_version_number(data: object) -> int | None | Unset:
            if data is None:
                return data
            if isinstance(data, Unset):
                return data
            return cast(int | None | Unset, data)

        version_number = _parse_version_number(d.pop("version_number", UNSET))

        problem = cls(
            detail=detail,
            type_=type_,
            title=title,
            status=status,
            code=code,
            request_id=request_id,
            error=error,
            error_description=error_description,
            hint=hint,
            errors=errors,
            errors_total=errors_total,
            version_number=version_number,
        )

        return problem
