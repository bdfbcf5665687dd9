"""The document as a page for people: plain HTML without scripts, which loads nothing from anywhere; and the parts that
other such pages are made of."""

import base64
import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from html import escape
from typing import Any

from mainspring_api.document.openapi import build_document
from mainspring_api.http.operations import Resource

__all__ = ["CONTENT_SECURITY_POLICY", "docs_page", "page_begin", "shown"]

STYLE = """
:root { color-scheme: light dark; --line: light-dark(#dfe3e8, #343b45); --soft: light-dark(#f4f6f8, #1c2128);
  --page: light-dark(#fff, #14171c); --text: light-dark(#1c2128, #dde2e8); --quiet: light-dark(#5a6572, #98a3b0);
  --accent: light-dark(#0b5bd3, #7ab3ff); --get: light-dark(#0a6c3f, #4cc38a); --post: light-dark(#0b5bd3, #7ab3ff);
  --put: light-dark(#8a5a00, #e5b45a); --delete: light-dark(#b42318, #ff8f85); }
* { box-sizing: border-box; }
body { font: 15px/1.55 system-ui, sans-serif; margin: 0; background: var(--page); color: var(--text); }
a { color: var(--accent); text-decoration: none; } a:hover { text-decoration: underline; }
code, pre { font: 0.9em/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { background: var(--soft); padding: 0.7rem 0.9rem; overflow-x: auto; border-radius: 6px; margin: 0.5rem 0; }
header, main { padding: 1rem 2rem; max-width: 62rem; } header p { color: var(--quiet); margin: 0.3rem 0; }
h1 { margin: 0.5rem 0; } h2 { margin: 2.5rem 0 0.5rem; padding-top: 1rem; border-top: 2px solid var(--line); }
h2 small { display: block; font-size: 0.95rem; font-weight: normal; color: var(--quiet); }
h3 { margin: 0; font-size: 1rem; overflow-wrap: anywhere; } h4 { margin: 1rem 0 0.3rem; font-size: 0.9rem; }
section { border: 1px solid var(--line); border-radius: 8px; padding: 0.9rem 1.1rem; margin: 1rem 0; }
section:target { border-color: var(--accent); box-shadow: 0 0 0 1px var(--accent); } section p { margin: 0.4rem 0; }
table { border-collapse: collapse; width: 100%; font-size: 0.93em; }
th, td { border-top: 1px solid var(--line); padding: 0.3rem 0.8rem 0.3rem 0; text-align: left; vertical-align: top; }
th { border: 0; font-weight: 600; color: var(--quiet); } td:first-child { white-space: nowrap; }
summary { cursor: pointer; color: var(--quiet); padding: 0.15rem 0; }
nav { padding: 1rem 2rem; } nav ul { list-style: none; margin: 0 0 0.6rem; padding: 0; } nav li { margin: 0.25rem 0; }
nav a { display: flex; gap: 0.5rem; color: inherit; } nav summary, nav > a { color: inherit; font-weight: 600; }
.method { font: 700 0.72rem/1.7rem ui-monospace, monospace; text-transform: uppercase; flex: 0 0 3.2rem; }
h3 .method { font-size: 0.85rem; margin-right: 0.4rem; } .quiet { color: var(--quiet); }
.get { color: var(--get); } .post { color: var(--post); } .put, .patch { color: var(--put); }
.delete { color: var(--delete); }
@media (min-width: 60rem) { body:has(nav) { display: grid; grid-template-columns: 21rem 1fr; }
  header { grid-column: 2; }
  nav { grid-column: 1; grid-row: 1 / span 2; position: sticky; top: 0; height: 100vh; overflow-y: auto;
    border-right: 1px solid var(--line); background: var(--soft); font-size: 0.9rem; padding: 1rem 1.2rem; }
  main { grid-column: 2; padding-top: 0; min-width: 0; } }
"""
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_Operation = tuple[str, str, Mapping[str, Any], list[Mapping[str, Any]]]
"""Method, path, the operation, the parameters of its path and its own."""


@lru_cache(maxsize=1)
def docs_page(blueprints: tuple[Resource, ...]) -> str:
    """The page with the operations of these blueprints."""
    return "".join(_page(build_document(blueprints)))


def _page(document: Mapping[str, Any]) -> Iterator[str]:
    schemas, operations = document["components"]["schemas"], list(_operations(document))
    groups = [
        (tag, [operation for operation in operations if tag["name"] in operation[2]["tags"]])
        for tag in document["tags"]
    ]
    yield page_begin(f"{document['info']['title']} {document['info']['version']}")
    yield f"<p>{shown(document['info']['description'])}</p></header><nav>"
    for tag, members in groups:
        yield from _contents(tag, members)
    yield '<a href="#schemas">Schemas</a></nav><main>'
    for tag, members in groups:
        yield _heading(tag)
        for operation in members:
            yield from _operation(*operation, schemas)
    yield '<h2 id="schemas">Schemas<small>What is sent and answered</small></h2>'
    for name, schema in sorted(schemas.items()):
        yield from _component(name, schema)
    yield "</main></body></html>"


def page_begin(title: str) -> str:
    """Everything up to the heading; the caller closes header, body and html."""
    heading = escape(title)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{heading}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head>'
        f"<body><header><h1>{heading}</h1>"
    )


def _contents(tag: Mapping[str, Any], operations: Iterable[_Operation]) -> Iterator[str]:
    """The operations of a tag, to be chosen from."""
    yield f"<details><summary>{_title(tag)}</summary><ul>"
    for method, _, operation, _ in operations:
        summary = shown(operation["summary"])
        yield f'<li><a href="#{operation["operationId"]}">{_method(method)}<span>{summary}</span></a></li>'
    yield "</ul></details>"


def _heading(tag: Mapping[str, Any]) -> str:
    _, colon, rest = tag["description"].partition(": ")
    return f"<h2>{_title(tag)}{f'<small>{shown(rest[:1].upper() + rest[1:])}</small>' if colon else ''}</h2>"


def _title(tag: Mapping[str, Any]) -> str:
    """The part of the description before the colon."""
    return shown(tag["description"].partition(": ")[0])


def _method(method: str) -> str:
    return f'<span class="method {method}">{method}</span>'


def _operations(document: Mapping[str, Any]) -> Iterator[_Operation]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield method, path, operation, [*item.get("parameters", ()), *operation.get("parameters", ())]


def _operation(
    method: str,
    path: str,
    operation: Mapping[str, Any],
    parameters: list[Mapping[str, Any]],
    schemas: Mapping[str, Any],
) -> Iterator[str]:
    yield f'<section id="{operation["operationId"]}"><h3>{_method(method)} <code>{escape(path)}</code></h3>'
    yield f"<p>{shown(operation['summary'])}</p><p>{shown(operation.get('description', ''))}</p>"
    yield from _parameters(parameters)
    bodies = operation.get("requestBody", {}).get("content", {})
    if bodies:
        yield f"<h4>Body</h4><p>{_media(bodies)}</p>"
        yield from _examples(bodies, schemas)
    yield from _answers(operation["responses"], schemas)
    yield "</section>"


def _answers(responses: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[str]:
    """Successful responses with their content, grouped by content; errors on one line."""
    statuses: dict[str, list[str]] = {}
    contents = {}
    for status, response in sorted(responses.items()):
        if status < "400":
            label = _media(response.get("content", {})) or shown(response["description"])
            statuses.setdefault(label, []).append(status)
            contents[label] = response.get("content", {})
    for label, content in contents.items():
        yield f"<h4>{', '.join(statuses[label])}</h4><p>{label}</p>"
        yield from _examples(content, schemas)
    errors = " · ".join(
        f"{status} {_error(response)}" for status, response in sorted(responses.items()) if status >= "400"
    )
    yield f'<p class="quiet">Errors (<a href="#Problem">Problem</a>): {errors}</p>'


def _parameters(parameters: list[Mapping[str, Any]]) -> Iterator[str]:
    if parameters:
        rows = (
            (
                f"<code>{escape(parameter['name'])}</code>",
                parameter["in"] + (", needed" if parameter.get("required") else ""),
                _type(parameter.get("schema", {})),
                shown(parameter.get("description", "")),
            )
            for parameter in parameters
        )
        yield from _table(("Parameter", "In", "Type", ""), rows)


def _error(response: Mapping[str, Any]) -> str:
    """`Not Found` of the component `NotFound`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", response["$ref"].rpartition("/")[2])


def _media(content: Mapping[str, Any]) -> str:
    return ", ".join(f"<code>{escape(media)}</code> {_type(body['schema'])}" for media, body in content.items())


def _examples(content: Mapping[str, Any], schemas: Mapping[str, Any]) -> Iterator[str]:
    """Examples of JSON bodies and responses."""
    name = content.get("application/json", {}).get("schema", {}).get("$ref", "").rpartition("/")[2]
    examples = schemas.get(name, {}).get("examples", ())
    if examples:
        yield f"<details><summary>Example</summary>{''.join(map(_json, examples))}</details>"


def _json(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"


def _component(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f'<section id="{name}"><h3><code>{name}</code></h3><p>{shown(schema.get("description", ""))}</p>'
    if "properties" in schema:
        required = schema.get("required", ())
        rows = (
            (
                f"<code>{escape(key)}</code>",
                _type(member),
                "always" if key in required else "",
                shown(member.get("description", "")),
            )
            for key, member in schema["properties"].items()
        )
        yield from _table(("Member", "Type", "There", ""), rows)
    else:
        yield f"<p>{_type(schema)}</p>"
    if "examples" in schema:
        yield f"<details><summary>Example</summary>{''.join(map(_json, schema['examples']))}</details>"
    yield "</section>"


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in a few words, with links to the components that it names."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{name}">{name}</a>'
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(_type(choice) for choice in schema[key])
    if "enum" in schema or "const" in schema:
        return " or ".join(f"<code>{escape(str(value))}</code>" for value in schema.get("enum", (schema.get("const"),)))
    kinds = schema.get("type", "any value")
    kind = escape(kinds if isinstance(kinds, str) else " or ".join(kinds))
    if "items" in schema:
        return f"list of {_type(schema['items'])}"
    values = schema.get("additionalProperties")
    if isinstance(values, Mapping) and values and "properties" not in schema:
        return f"object of {_type(values)}"
    return f"{kind} ({escape(schema['format'])})" if "format" in schema else kind


def _table(headers: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield f"<table><tr>{''.join(f'<th>{header}</th>' for header in headers)}</tr>"
    for row in rows:
        yield f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>"
    yield "</table>"


def shown(text: str) -> str:
    """Text with code between backticks and paragraphs."""
    html = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    return html.replace("\n\n", "</p><p>")
