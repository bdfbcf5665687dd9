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

__all__ = ["CONTENT_SECURITY_POLICY", "docs_page", "page_begin", "shown"]

STYLE = """
:root { color-scheme: light dark; --line: light-dark(#d8dde3, #3a424c); --soft: light-dark(#f5f7f9, #1d2229);
  --accent: light-dark(#0b5bd3, #7ab3ff); }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 0 auto; padding: 1rem; }
a { color: var(--accent); } code, pre { font: 0.9em ui-monospace, monospace; }
pre { background: var(--soft); padding: 0.7rem; overflow-x: auto; border-radius: 4px; }
section { border-top: 1px solid var(--line); padding: 0.5rem 0 1rem; } h3 { overflow-wrap: anywhere; margin: 0.5rem 0; }
table { border-collapse: collapse; width: 100%; }
th, td { border-bottom: 1px solid var(--line); padding: 0.25rem 0.5rem; text-align: left; vertical-align: top; }
nav ul { columns: 20rem; padding-left: 1rem; } .method { color: var(--accent); text-transform: uppercase; }
"""
CONTENT_SECURITY_POLICY = (
    f"default-src 'none'; style-src 'sha256-{base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_Operation = tuple[str, str, Mapping[str, Any], list[Mapping[str, Any]]]
"""Method, path, the operation, the parameters of its path and its own."""


@lru_cache(maxsize=1)
def docs_page() -> str:
    """The page of this API."""
    from mainspring_api.openapi import document

    return "".join(_page(document()))


def _page(document: Mapping[str, Any]) -> Iterator[str]:
    operations = list(_operations(document))
    yield page_begin(f"{document['info']['title']} {document['info']['version']}")
    yield f"<p>{shown(document['info']['description'])}</p><nav>"
    for tag in document["tags"]:
        yield f"<h2>{shown(tag['description'])}</h2><ul>"
        for _, _, operation, _ in operations:
            if tag["name"] in operation["tags"]:
                yield f'<li><a href="#{operation["operationId"]}">{shown(operation["summary"])}</a></li>'
        yield "</ul>"
    yield '<p><a href="#schemas">Schemas</a></p></nav><main>'
    for each in operations:
        yield from _operation(*each)
    yield '<h2 id="schemas">Schemas</h2>'
    for name, schema in sorted(document["components"]["schemas"].items()):
        yield from _component(name, schema)
    yield "</main></body></html>"


def page_begin(title: str) -> str:
    """Everything up to the heading; whoever goes on closes body and html."""
    told = escape(title)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{told}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{STYLE}</style></head><body><h1>{told}</h1>'
    )


def _operations(document: Mapping[str, Any]) -> Iterator[_Operation]:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if method != "parameters":
                yield method, path, operation, [*item.get("parameters", ()), *operation.get("parameters", ())]


def _operation(
    method: str, path: str, operation: Mapping[str, Any], parameters: list[Mapping[str, Any]]
) -> Iterator[str]:
    yield f'<section id="{operation["operationId"]}">'
    yield f'<h3><span class="method">{method}</span> <code>{escape(path)}</code></h3>'
    yield f"<p>{shown(operation['summary'])}</p><p>{shown(operation.get('description', ''))}</p>"
    if parameters:
        rows = (
            (
                f"<code>{escape(each['name'])}</code>",
                each["in"] + (", needed" if each.get("required") else ""),
                _type(each.get("schema", {})),
                shown(each.get("description", "")),
            )
            for each in parameters
        )
        yield from _table(("Parameter", "In", "Type", ""), rows)
    for media, content in operation.get("requestBody", {}).get("content", {}).items():
        yield f"<p>Body: <code>{escape(media)}</code>, {_type(content['schema'])}</p>"
    yield from _table(
        ("Status", "Answer"), ((status, _answer(each)) for status, each in operation["responses"].items())
    )
    yield "</section>"


def _answer(response: Mapping[str, Any]) -> str:
    if "$ref" in response:
        return f'{escape(response["$ref"].rpartition("/")[2])}: <a href="#Problem">Problem</a>'
    told = [
        f"<code>{escape(media)}</code> {_type(each['schema'])}" for media, each in response.get("content", {}).items()
    ]
    return ", ".join(told) or escape(response["description"])


def _component(name: str, schema: Mapping[str, Any]) -> Iterator[str]:
    yield f'<section id="{name}"><h3>{name}</h3><p>{shown(schema.get("description", ""))}</p>'
    if "properties" in schema:
        required = schema.get("required", ())
        rows = (
            (
                f"<code>{escape(key)}</code>",
                _type(each),
                "always" if key in required else "",
                shown(each.get("description", "")),
            )
            for key, each in schema["properties"].items()
        )
        yield from _table(("Member", "Type", "There", ""), rows)
    else:
        yield f"<p>{_type(schema)}</p>"
    for example in schema.get("examples", ()):
        yield f"<pre>{escape(json.dumps(example, indent=2, ensure_ascii=False))}</pre>"
    yield "</section>"


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in a few words, with links to the components that it names."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f'<a href="#{name}">{name}</a>'
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(_type(each) for each in schema[key])
    if "enum" in schema or "const" in schema:
        return " or ".join(f"<code>{escape(str(each))}</code>" for each in schema.get("enum", (schema.get("const"),)))
    kinds = schema.get("type", "any value")
    told = escape(kinds if isinstance(kinds, str) else " or ".join(kinds))
    if "items" in schema:
        return f"list of {_type(schema['items'])}"
    values = schema.get("additionalProperties")
    if isinstance(values, Mapping) and values and "properties" not in schema:
        return f"object of {_type(values)}"
    return f"{told} ({escape(schema['format'])})" if "format" in schema else told


def _table(headers: Iterable[str], rows: Iterable[Iterable[str]]) -> Iterator[str]:
    yield f"<table><tr>{''.join(f'<th>{header}</th>' for header in headers)}</tr>"
    for row in rows:
        yield f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>"
    yield "</table>"


def shown(text: str) -> str:
    """Text with code between backticks and paragraphs."""
    told = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
    return told.replace("\n\n", "</p><p>")
