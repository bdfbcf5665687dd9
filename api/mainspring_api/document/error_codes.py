"""What the codes of errors mean: the one source of docs/errors.md and of the pages under `/problems`.

`python -m mainspring_api.document.error_codes FILE` writes the tables of that page again.
"""

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

__all__ = ["ANSWER_CODES", "FAULT_CODES", "with_tables"]

ANSWER_CODES: Mapping[str, tuple[int, str]] = {
    "bad_request": (
        400,
        "an order, cursor, run id or token that cannot be, a `conf` that does not fit the params, or ids that do not "
        "go together; `errors` tells which",
    ),
    "unknown_host": (400, "the Host header does not name this server; add the name to `allowed_hosts`"),
    "other_issuer": (400, "the token of an identity provider comes from an issuer that no setting names"),
    "other_audience": (400, "the token of an identity provider was made for another service; ask for this audience"),
    "invalid_oidc_token": (
        400,
        "the token of an identity provider is malformed, not signed by a key of its issuer, or not valid yet",
    ),
    "token_replayed": (400, "the token was exchanged already; get a new one of the identity provider"),
    "unsupported_grant_type": (400, "`POST /auth/token/exchange` exchanges tokens, and does nothing else"),
    "unauthenticated": (401, "no token, no session, or a login that failed; log in"),
    "token_expired": (401, "the token or the session was valid until its end; get a new one"),
    "forbidden": (403, "the token is unknown or revoked, or its role does not do; see [identity](identity.md)"),
    "no_exchange_rule": (403, "no rule of `token_exchange` holds for the token; `detail` tells its claims"),
    "not_assigned": (403, "the approval is assigned to other people; `detail` names them"),
    "inactive_user": (403, "an administrator has made the user inactive"),
    "quota_exceeded": (
        403,
        "you have as many of these as one may have; `detail` names the [quota](identity.md#quotas) and what makes room",
    ),
    "not_found": (
        404,
        "there is no such thing, or none that you may see; `hint` names a DAG, run or task that may be meant",
    ),
    "method_not_allowed": (405, "the path has other verbs; `Allow` names them"),
    "not_acceptable": (406, "there is no answer in a media type that `Accept` lists"),
    "conflict": (409, "it exists already, or its state forbids the request"),
    "concurrency_key_taken": (
        409,
        "as many unfinished runs as allowed have the [concurrency key](concurrency.md) of the run; `detail` names them",
    ),
    "cannot_open": (409, "what is stored was encrypted with a key that is gone; see [secrets](secrets.md)"),
    "idempotency_key_in_use": (
        409,
        "a request with this `Idempotency-Key` is under way; send the same again after `Retry-After`",
    ),
    "precondition_failed": (
        412,
        "`If-Match` or `If-None-Match` of a write does not fit the present state; nothing was changed, read it again",
    ),
    "content_too_large": (413, "the body is longer than is read here"),
    "unsupported_media_type": (415, "the body has a media type that is not read here, or is compressed"),
    "invalid": (422, "the body, the query or a header does not validate; `errors` has all faults at once"),
    "too_many_requests": (429, "more often than is allowed; wait for `Retry-After` seconds"),
    "internal": (500, "our fault; the server's log has the cause under `request_id`"),
    "not_here": (501, "Airflow has this operation, and this server has nothing it could be about"),
    "identity_provider_unavailable": (503, "the identity provider cannot be reached; try again after `Retry-After`"),
    "not_ready": (503, "the server is starting, or a part that it needs is away"),
    "log_store_unavailable": (503, "the log lies in a store that cannot be used now; nothing else is affected"),
    "too_many_waits": (503, "too many requests wait, or too many streams are open; try again after `Retry-After`"),
    "unavailable": (503, "the database is away or busy; try again after `Retry-After`"),
}
"""Code of a response -> status and meaning."""

FAULT_CODES: Mapping[str, str] = {
    "syntax": "the text is no JSON or YAML",
    "duplicate_key": "an object has a member twice",
    "merge_key": "YAML's `<<` is not read; write the members out",
    "tag": "a YAML tag is not read",
    "invalid_text": "a text with U+0000 or half a character, which cannot be stored",
    "invalid_number": "a number beyond what can be kept exactly",
    "too_deep": "nested too deeply",
    "too_many_nodes": "too many values",
    "too_large": "too long",
    "too_many": "the request is about more than one request may be",
    "too_many_problems": "the rest of the faults is not listed",
    "missing_field": "a member that must be there",
    "required": "the same, of a request about something that exists",
    "unknown_field": "a member that there is not; the hint guesses which was meant",
    "wrong_type": "another kind of value is expected",
    "invalid_value": "the right kind of value, but not one of those that can be",
    "out_of_range": "too small or too big",
    "invalid_dependency": "a task depends on a task that it cannot wait for",
    "exclusive_fields": "members that do not go together",
    "duplicate_item": "a list has an item twice",
    "duplicate_id": "two things have the same id, or ids that differ in case alone",
    "dag_cycle": "schedules that wait for each other's DAGs in a circle",
    "dag_id_mismatch": "the body names another DAG than the path",
    "invalid_id": "an id with characters or a length that ids do not have",
    "invalid_run_id": "the same of a run's id, or one that looks like that of another kind of run",
    "invalid_key": "a name in a map that cannot be",
    "invalid_duration": "no duration, like `PT5M` or `5m`",
    "invalid_instant": "no instant, like `2026-01-31T08:00:00Z`",
    "invalid_cron": "no cron expression",
    "invalid_pattern": "a regular expression that cannot be, or whose cost has no bound",
    "invalid_schema": "a JSON Schema that cannot be, or holds what is not understood here",
    "params_mismatch": "`conf` does not fit the DAG's `params`",
    "concurrency_key_invalid": "the concurrency key of the run fails, is empty, or is longer than 1 KiB",
    "debounce_key_invalid": "the debounce key of the run fails, is empty, or is longer than 1 KiB",
    "unknown_choice": "none of the choices",
    "unknown_calendar": "no country, part of a country or market whose days off are known",
    "unknown_executor": "no executor of this server",
    "unknown_function": "an expression calls a function that there is not",
    "unknown_name": "an expression reads a name that there is not",
    "unknown_notifier": "there is no such notifier",
    "unknown_pool": "there is no such pool",
    "unknown_task": "the DAG has no such task",
    "unknown_task_type": "there is no such type of task",
    "unknown_timezone": "there is no such time zone",
    "unknown_user": "there is no such user",
    "unknown_webhook": "there is no such webhook, or it belongs to another user",
    "cycle": "tasks that wait for each other",
    "not_upstream": "an expression reads a task that need not have run before",
    "task_reference": "an expression reads `tasks` in a way that does not say which task",
    "variable_reference": "an expression reads `vars` in a way that does not say which variable",
    "expression_syntax": "no expression",
    "expression_error": "an expression of the hook fails on the delivery",
    "stale_delivery": "the delivery was signed more than 5 minutes ago, or the clock of its sender is wrong",
    "expression_not_allowed": "no expression may stand here",
    "secret_not_allowed": "no secret is handed over here",
    "expression_too_complex": "an expression that is nested too deeply",
    "expression_too_long": "an expression with too many characters",
    "not_supported_yet": "understood, and not built yet",
    "not_allowed": "a definition reaches further than whoever sends it may; see [identity](identity.md)",
    "other_bundle": "the DAG belongs to another bundle; `take_over` takes it",
    "invalid_plan_token": "the token belongs to another plan or to another user",
    "plain_braces": "warning: `{{ }}` without `$` is plain text outside of `script` and `command`",
    "unknown_param": "an expression reads a param that the schema does not name; a warning while it allows others",
    "undeclared_output": "an expression reads an output that its task does not declare; with `has()` a warning",
    "unknown_secret": "warning: there is no such secret yet, or none that you may see",
    "unknown_dag": "warning: there is no such DAG yet, or none that you may see",
    "pool_too_small": "warning: a task takes more slots than its pool has now",
    "looks_like_credential": "warning: a literal value that every reader of the DAG can read looks like a credential",
    "unused_param": "warning of `mainspring dags lint`: no expression reads the param",
    "no_time_limit": "warning of `mainspring dags lint`: no time limit stops the task",
    "idempotency_key_reused": "the `Idempotency-Key` was used for another request",
    "wrong_password": "the current password is not right",
    "no_password": "an identity provider vouches for the user, who has no password",
}
"""Code of a fault in a request -> meaning."""

_TABLE = re.compile(r"(<!-- (answers|faults) -->\n).*?(<!-- /\2 -->)", re.DOTALL)


def with_tables(page: str) -> str:
    """A page with up-to-date tables between its marks."""
    tables = {"answers": _answers, "faults": _faults}
    return _TABLE.sub(lambda match: "\n".join((match[1].rstrip(), *tables[match[2]](), match[3])), page)


def _answers() -> Iterator[str]:
    yield "| code | status | what it means, and the cure |"
    yield "|---|---|---|"
    yield from (f"| `{code}` | {status} | {meaning} |" for code, (status, meaning) in ANSWER_CODES.items())


def _faults() -> Iterator[str]:
    yield "| code | what it means |"
    yield "|---|---|"
    yield from (f"| `{code}` | {meaning} |" for code, meaning in FAULT_CODES.items())


if __name__ == "__main__":
    path = Path(sys.argv[1])
    path.write_text(with_tables(path.read_text(encoding="utf-8")), encoding="utf-8")
