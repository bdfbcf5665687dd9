"""Params of a DAG: a JSON Schema 2020-12 that every trigger is checked against.

References to other documents are never followed and regular expressions run in linear time, so a schema can neither
read a file, reach a host nor stall a trigger.
"""

import json
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from mainspring.errors import InvalidParams, Problem
from mainspring.patterns import pattern_options
from mainspring.pointers import join_pointer, split_pointer
from mainspring.schema_bounds import bound_problems, count_parts

__all__ = [
    "DEFAULTS_MAX",
    "PROBLEMS_MAX",
    "SCHEMA_BYTES_MAX",
    "WORK_MAX",
    "check_output_schema",
    "check_schema",
    "compile_schema",
    "resolve_params",
]

SCHEMA_BYTES_MAX = 64 * 1024
PROBLEMS_MAX = 100
WORK_MAX = 200_000_000
"""Parts of the schema times bytes of the params; so much takes less than a second."""
DEFAULTS_MAX = 200
"""Filled into one set of params."""
_DEPTH_MAX = 50
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_ROOT = "urn:mainspring:params"


def resolve_params(schema: Mapping[str, Any], conf: Mapping[str, Any]) -> dict[str, Any]:
    """The params of a run: `conf`, completed with the schema's defaults and checked.

    Defaults are filled in at every depth, but never inside an object that is itself absent. An empty schema takes
    anything. `conf` is not changed.

    Raises:
        InvalidParams: every fault of the result, with pointers into it.
    """
    params: dict[str, Any] = deepcopy(dict(conf))
    if not schema:
        return params
    _fill(schema, schema, params, iter(range(DEFAULTS_MAX)))
    work = (count_parts(schema) or 1) * len(json.dumps(params))
    if work > WORK_MAX:
        message = f"conf is too large to be checked against a schema of {count_parts(schema)} parts"
        raise InvalidParams([_problem("", message, "hand large data over as a file or a reference")])
    if problems := _faults(compile_schema(schema), params):
        raise InvalidParams(problems)
    return params


def check_schema(schema: Any) -> list[Problem]:
    """Faults of `schema` as the params of a DAG, with pointers within the schema; empty for a valid schema.

    Its defaults must fit their own places; a required param may lack one.
    """
    hint = "params: {type: object, properties: {...}}"
    if not isinstance(schema, Mapping):
        return [_problem("", "params must be a JSON Schema of type object", hint)]
    if not schema:
        return []
    if schema.get("type") != "object":
        return [_problem("/type" if "type" in schema else "", "params must be a schema of type object", hint)]
    if problems := check_output_schema(schema):
        return problems
    try:
        _fill(schema, schema, {}, iter(range(DEFAULTS_MAX)))
    except InvalidParams as exc:
        return list(exc.problems)
    return list(_default_faults(schema))


def check_output_schema(schema: Any) -> list[Problem]:
    """Faults of `schema` as the type of a value, with pointers within the schema; empty for a valid schema."""
    if not isinstance(schema, Mapping):
        return [_problem("", "a JSON Schema must be an object", "e.g. {type: integer}")]
    size = len(json.dumps(schema).encode())
    if size > SCHEMA_BYTES_MAX:
        return [_problem("", f"the schema has {size} bytes; at most {SCHEMA_BYTES_MAX} are allowed")]
    if schema.get("$schema", _DIALECT) != _DIALECT:
        return [_problem("/$schema", f"only {_DIALECT} is understood", "leave $schema out")]
    if problems := bound_problems(schema):
        return problems
    try:
        compile_schema(schema)
    except ValueError as exc:
        return [_schema_fault(exc)]
    return []


def compile_schema(schema: Mapping[str, Any], pointer: str | None = None) -> Any:
    """A validator of `schema`, or of its part at `pointer`, whose references still start at the whole."""
    import jsonschema_rs

    whole: Any = schema
    if pointer is not None:
        whole = {"$defs": {"root": {**schema, "$id": _ROOT}}, "$ref": f"{_ROOT}#{_fragment(pointer)}"}
    return jsonschema_rs.Draft202012Validator(
        whole, validate_formats=True, retriever=_refuse, pattern_options=pattern_options()
    )


def _refuse(uri: str) -> Any:
    raise ValueError(f"{uri} is another document; only references within the schema are followed")


def _faults(validator: Any, value: Any) -> list[Problem]:
    problems: list[Problem] = []
    for fault in validator.iter_errors(value):
        if len(problems) == PROBLEMS_MAX:
            break
        problems.append(_problem(join_pointer("", *fault.instance_path), _cut(fault.message), code="params_mismatch"))
    return problems


def _schema_fault(exc: ValueError) -> Problem:
    """A schema that cannot be compiled: the library names the place only in some cases."""
    place = join_pointer("", *getattr(exc, "instance_path", ()))
    return _problem(place, _cut(str(getattr(exc, "message", exc)).partition("\n")[0]))


def _default_faults(schema: Mapping[str, Any]) -> Iterator[Problem]:
    for pointer, part in _parts_with_default(schema, "", _DEPTH_MAX):
        for fault in _faults(compile_schema(schema, pointer), part["default"])[:1]:
            place = join_pointer(pointer, "default") + fault.pointer
            yield _problem(place, f"the default does not fit its own schema: {fault.message}")


def _parts_with_default(part: Any, pointer: str, depth: int) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(part, Mapping) or not depth:
        return
    if "default" in part:
        yield pointer, part
    properties = part.get("properties")
    for name, below in (properties if isinstance(properties, Mapping) else {}).items():
        yield from _parts_with_default(below, join_pointer(pointer, "properties", name), depth - 1)


def _fill(root: Mapping[str, Any], part: Any, value: Any, budget: Iterator[int]) -> None:
    """Write the defaults of `part` into the object `value`. `budget` ends the otherwise endless recursion of a schema
    that refers to itself with an empty object as default."""
    part = _resolve(root, part)
    properties = part.get("properties") if isinstance(part, Mapping) else None
    if not isinstance(properties, Mapping) or not isinstance(value, dict):
        return
    for name, below in properties.items():
        if name not in value and isinstance(below, Mapping) and "default" in below:
            if next(budget, None) is None:
                message = f"the schema fills in more than {DEFAULTS_MAX} defaults"
                raise InvalidParams([_problem("", message, "a default of an object must not lead back to the object")])
            value[name] = deepcopy(below["default"])
        if name in value:
            _fill(root, below, value[name], budget)


def _resolve(root: Mapping[str, Any], part: Any) -> Any:
    """`part`, or the target of its references within the schema."""
    while isinstance(part, Mapping) and "properties" not in part and isinstance(part.get("$ref"), str):
        target: Any = root
        for key in split_pointer(part["$ref"][1:]):
            target = target.get(key) if isinstance(target, Mapping) else None
        part = target
    return part


def _fragment(pointer: str) -> str:
    from urllib.parse import quote

    return quote(pointer, safe="/~")


def _cut(message: str, chars_max: int = 300) -> str:
    return message if len(message) <= chars_max else message[: chars_max - 1] + "…"


def _problem(pointer: str, message: str, hint: str | None = None, code: str = "invalid_schema") -> Problem:
    return Problem(pointer=pointer, message=message, hint=hint, code=code)
