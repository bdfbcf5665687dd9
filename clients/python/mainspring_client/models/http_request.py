from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar, cast

from attrs import define as _attrs_define

from ..models.http_method import HttpMethod
from ..types import UNSET, Unset

if TYPE_CHECKING:
    from ..models.http_headers import HttpHeaders
    from ..models.http_query import HttpQuery

from ..plain import as_dict

T = TypeVar("T", bound="HttpRequest")


@_attrs_define
class HttpRequest:
    """
    Attributes:
        url (str): Address of the request.
        method (HttpMethod | Unset):
        query (HttpQuery | Unset):
        headers (HttpHeaders | Unset):
        body (str | Unset): Body that is sent as UTF-8 text.
        json (Any | Unset): Body that is sent as JSON; expressions in it are evaluated.
        expected_status (list[int | str] | Unset): Statuses of success; 200-299 when absent.
        follow_redirects (bool | Unset): Whether redirects are followed, at most 3; true when absent.
        until (str | Unset): Condition on `answer`, with `status`, `headers` and `body`; the task waits on while the
            condition is false.
    """

    url: str
    method: HttpMethod | Unset = UNSET
    query: HttpQuery | Unset = UNSET
    headers: HttpHeaders | Unset = UNSET
    body: str | Unset = UNSET
    json: Any | Unset = UNSET
    expected_status: list[int | str] | Unset = UNSET
    follow_redirects: bool | Unset = UNSET
    until: str | Unset = UNSET

    def to_dict(self) -> dict[str, Any]:
        url = self.url

        method: str | Unset = UNSET
        if not isinstance(self.method, Unset):
            method = self.method.value

        query: dict[str, Any] | Unset = UNSET
        if not isinstance(self.query, Unset):
            query = as_dict(self.query)

        headers: dict[str, Any] | Unset = UNSET
        if not isinstance(self.headers, Unset):
            headers = as_dict(self.headers)

        body = self.body

        json = self.json

        expected_status: list[int | str] | Unset = UNSET
        if not isinstance(self.expected_status, Unset):
            expected_status = []
            for expected_status_item_data in self.expected_status:
                expected_status_item: int | str
                expected_status_item = expected_status_item_data
                expected_status.append(expected_status_item)

        follow_redirects = self.follow_redirects

        until = self.until

        field_dict: dict[str, Any] = {}

        field_dict.update(
            {
                "url": url,
            }
        )
        if method is not UNSET:
            field_dict["method"] = method
        if query is not UNSET:
            field_dict["query"] = query
        if headers is not UNSET:
            field_dict["headers"] = headers
        if body is not UNSET:
            field_dict["body"] = body
        if json is not UNSET:
            field_dict["json"] = json
        if expected_status is not UNSET:
            field_dict["expected_status"] = expected_status
        if follow_redirects is not UNSET:
            field_dict["follow_redirects"] = follow_redirects
        if until is not UNSET:
            field_dict["until"] = until

        return field_dict

    @classmethod
    def from_dict(cls: type[T], src_dict: Mapping[str, Any]) -> T:
        from ..models.http_headers import HttpHeaders  # noqa: PLC0415
        from ..models.http_query import HttpQuery  # noqa: PLC0415

        d = dict(src_dict)
        url = d.pop("url")

        _method = d.pop("method", UNSET)
        method: HttpMethod | Unset
        if isinstance(_method, Unset):
            method = UNSET
        else:
            method = HttpMethod(_method)

        _query = d.pop("query", UNSET)
        query: HttpQuery | Unset
        if isinstance(_query, Unset):
            query = UNSET
        else:
            query = HttpQuery.from_dict(_query)

        _headers = d.pop("headers", UNSET)
        headers: HttpHeaders | Unset
        if isinstance(_headers, Unset):
            headers = UNSET
        else:
            headers = HttpHeaders.from_dict(_headers)

        body = d.pop("body", UNSET)

        json = d.pop("json", UNSET)

        _expected_status = d.pop("expected_status", UNSET)
        expected_status: list[int | str] | Unset = UNSET
        if _expected_status is not UNSET:
            expected_status = []
            for expected_status_item_data in _expected_status:

                def _parse_expected_status_item(data: object) -> int | str:
                    return cast(int | str, data)

                expected_status_item = _parse_expected_status_item(expected_status_item_data)

                expected_status.append(expected_status_item)

        follow_redirects = d.pop("follow_redirects", UNSET)

        until = d.pop("until", UNSET)

        http_request = cls(
            url=url,
            method=method,
            query=query,
            headers=headers,
            body=body,
            json=json,
            expected_status=expected_status,
            follow_redirects=follow_redirects,
            until=until,
        )

        return http_request
