"""The fields of a definition, as tables: what may be said about a DAG, about any task, and about each type of task.

Adding a field is adding a line here and its place in the model (`build.py`); adding a type of task is adding an entry
to `TASK_TYPES`. The parser, the JSON Schema and the error messages follow from the tables.
"""

from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum

from mainspring.definition.kinds import (
    AnyJson,
    Boolean,
    Choice,
    Duration,
    Either,
    Field,
    HttpStatus,
    Identifier,
    Instant,
    Integer,
    Kind,
    ListOf,
    MapOf,
    Number,
    Record,
    Scalar,
    Secret,
    Text,
)
from mainspring.definition.model import GapRule, OverlapRule, TaskType, WeightRule
from mainspring.states import StateReason
from mainspring.trigger_rules import TriggerRule

__all__ = ["COMMON_TASK_FIELDS", "DAG_FIELDS", "DEFAULT_ARGS", "TASKS_MAX", "TASK_TYPES"]

TASKS_MAX = 10_000
DESCRIPTION_CHARS_MAX = 10_000
DOC_CHARS_MAX = 100_000
SCRIPT_CHARS_MAX = 256 * 1024
RESPONSE_BYTES_MAX = 10 * 1024 * 1024


def _choice(values: type[StrEnum], reasons: Mapping[str, str] | None = None) -> Choice:
    return Choice(tuple(value.value for value in values), reasons or {}, values.__name__)


_A_SECOND = timedelta(seconds=1)
_NAME = Text(chars_min=1, chars_max=250)
_DESCRIPTION = Text(chars_max=DESCRIPTION_CHARS_MAX)
_DOC = Text(chars_max=DOC_CHARS_MAX)
_ROUTE = Text(pattern="[A-Za-z0-9_.-]{1,250}", what="a name of the characters A-Z a-z 0-9 _ . -")
_POOL = Text(
    chars_max=250, pattern=r"[^\x00-\x1f]{1,250}", what="1 to 250 characters, none of them a control character"
)
_VARIABLE = "[A-Za-z_][A-Za-z0-9_]{0,249}"
_CALLABLE = Text(
    chars_max=500,
    pattern=r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*",
    what="'package.module:function'",
)
_EXPRESSION = Text(chars_min=1, chars_max=2_010, templated=True, what="an expression")
_TEXT = Text(chars_max=SCRIPT_CHARS_MAX, templated=True)
_URL = Text(chars_min=1, chars_max=8_000, pattern=r"https?://[^\s]+", what="an http or https URL", templated=True)
_HEADERS = MapOf(
    Either(
        of_object=Secret(), otherwise=Text(chars_max=8_000, pattern=r"[^\r\n]*", what="on one line", templated=True)
    ),
    key_pattern=r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,250}",
    items_max=100,
    name="HttpHeaders",
)
_HTTP_METHOD = Choice(("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"), name="HttpMethod")
_ENV = Field(
    "env",
    MapOf(Either(of_object=Secret(), otherwise=Scalar()), key_pattern=_VARIABLE, name="Environment"),
    doc="Environment variables: text with expressions, or `{secret: name}`.",
)
_WORKING_DIR = Field(
    "working_dir",
    Text(chars_min=1, chars_max=4_096, pattern="/.*", what="the absolute path of a folder", templated=True),
    doc="Absolute path of the folder that the task runs in; a new one of its own when absent.",
)
_SKIP_EXIT_CODE = Field("skip_exit_code", Integer(1, 255), doc="Exit code by which the task asks to be skipped.")
_VERBATIM = "it is passed on as written; give values through `env`"

_JSON_OBJECT = MapOf(AnyJson(), name="Values")
_OUTPUTS_MAX = 200

_REQUEST = (
    Field("url", _URL, required=True),
    Field("method", _HTTP_METHOD, doc="GET when absent."),
    Field(
        "query",
        MapOf(Either(of_list=ListOf(Scalar()), otherwise=Scalar()), name="HttpQuery"),
        doc="Appended to the URL, quoted.",
    ),
    Field("headers", _HEADERS, doc="Text with expressions, or `{secret: name}`."),
    Field("body", _TEXT, doc="Sent as written, as UTF-8."),
    Field("json", AnyJson(), doc="Sent as JSON, its expressions evaluated."),
    Field("expected_status", ListOf(HttpStatus(), 1, 100), doc="Statuses of success; 200-299 when absent."),
    Field("follow_redirects", Boolean()),
)

TASK_TYPES: Mapping[str, Record] = {
    TaskType.SHELL.value: Record(
        (
            Field("command", ListOf(_TEXT, 1, 1_000), doc="Program and arguments, started without a shell."),
            Field("script", Text(chars_min=1, chars_max=SCRIPT_CHARS_MAX, verbatim_hint=_VERBATIM)),
            _ENV,
            _WORKING_DIR,
            _SKIP_EXIT_CODE,
        ),
        exactly_one=("command", "script"),
    ),
    TaskType.PYTHON.value: Record(
        (
            Field("callable", _CALLABLE, doc="`package.module:function`, imported where the task runs."),
            Field("args", ListOf(AnyJson(), items_max=1_000)),
            Field("kwargs", MapOf(AnyJson(), key_pattern=_VARIABLE, name="KeywordArguments")),
            Field(
                "source",
                Text(
                    chars_min=1,
                    chars_max=SCRIPT_CHARS_MAX,
                    verbatim_hint="it is run as written; give values through `inputs`",
                ),
                doc="A Python program, run by an interpreter of its own.",
            ),
            Field("inputs", _JSON_OBJECT, doc="What the program finds in the file named by MAINSPRING_INPUT."),
            _ENV,
            _WORKING_DIR,
            _SKIP_EXIT_CODE,
        ),
        exactly_one=("callable", "source"),
        only_with={"args": "callable", "kwargs": "callable", "inputs": "source", "skip_exit_code": "source"},
    ),
    TaskType.HTTP.value: Record(
        (*_REQUEST, Field("response_bytes_max", Integer(0, RESPONSE_BYTES_MAX))),
        at_most_one=("body", "json"),
    ),
    TaskType.NOOP.value: Record(()),
    TaskType.WAIT.value: Record(
        (
            Field("until", Instant(templated=True)),
            Field("for", Duration()),
            Field(
                "http",
                Record(_REQUEST, at_most_one=("body", "json"), name="HttpRequest"),
                doc="Holds when its status is expected.",
            ),
            Field("interval", Duration(minimum=_A_SECOND), doc="Between two requests; 30 s when absent."),
            Field("timeout", Duration(minimum=_A_SECOND), doc="The task fails when it has waited this long."),
        ),
        exactly_one=("until", "for", "http"),
        only_with={"interval": "http"},
    ),
    TaskType.BRANCH.value: Record(
        (
            Field("choose", _EXPRESSION, doc="Yields the id, or a list of ids, of direct downstream tasks to run."),
            Field("callable", _CALLABLE),
            Field("args", ListOf(AnyJson(), items_max=1_000)),
            Field("kwargs", MapOf(AnyJson(), key_pattern=_VARIABLE, name="KeywordArguments")),
        ),
        exactly_one=("choose", "callable"),
        only_with={"args": "callable", "kwargs": "callable"},
    ),
    TaskType.APPROVAL.value: Record(
        (
            Field("message", Text(chars_min=1, chars_max=DESCRIPTION_CHARS_MAX, templated=True), required=True),
            Field("choices", ListOf(_NAME, 1, 20, is_set=True), doc="`approve` and `reject` when absent."),
            Field("timeout", Duration(minimum=_A_SECOND), doc="The task fails when nobody has answered for this long."),
            Field("default", _NAME, doc="The choice that is taken when the timeout passes, instead of a failure."),
        ),
        only_with={"default": "timeout"},
    ),
    TaskType.DAG.value: Record(
        (
            Field("dag_id", Identifier(), required=True),
            Field("conf", _JSON_OBJECT),
            Field("wait", Boolean(), doc="Whether the task lasts until the other run has ended; true when absent."),
        )
    ),
}
"""Type of task -> the fields that only it has. They are the task's payload, in which expressions are evaluated."""

_RETRY_RULE = Record(
    (
        Field("action", Choice(("retry", "fail"), name="RetryAction"), required=True),
        Field("exit_code", ListOf(Integer(0, 255), 1, 256)),
        Field("reason", ListOf(_choice(StateReason), 1, 50)),
        Field("error", Text(chars_min=1, chars_max=500), doc="A regular expression searched in the message."),
    ),
    name="RetryRule",
)

_RULE_REASONS = {"all_done_setup_success": "there are no setup tasks here; use all_done or none_failed"}

_DEFAULTABLE: tuple[Field, ...] = (
    Field("trigger_rule", _choice(TriggerRule, _RULE_REASONS)),
    Field("owner", Text(chars_max=500)),
    Field("retries", Integer(0, 1_000), doc="Extra tries."),
    Field("retry_delay", Duration(), doc="PT5M when absent."),
    Field("retry_backoff", Number(1.0, 1_000.0), doc="Factor from one delay to the next; 1 when absent."),
    Field("max_retry_delay", Duration()),
    Field("retry_jitter", Boolean(), doc="Draw each delay evenly between nothing and itself."),
    Field("retry_deadline", Duration(minimum=_A_SECOND), doc="No try starts later than this after the first."),
    Field("retry_policy", ListOf(_RETRY_RULE, items_max=50), doc="The first rule that fits a failure decides."),
    Field("execution_timeout", Duration(minimum=timedelta(milliseconds=1)), doc="Of one try; none when absent."),
    Field("cancel_grace", Duration(maximum=timedelta(hours=1)), doc="Between TERM and KILL; PT10S when absent."),
    Field("max_active_tis", Integer(1, 10_000), doc="Instances of this task in one run at one time."),
    Field("max_active_tis_per_dag", Integer(1, 10_000)),
    Field("pool", _POOL),
    Field("pool_slots", Integer(1, 10_000)),
    Field("priority_weight", Integer(-1_000_000, 1_000_000)),
    Field("weight_rule", _choice(WeightRule)),
    Field("queue", _ROUTE),
    Field("executor", _ROUTE),
    Field("depends_on_past", Boolean()),
)

DEFAULT_ARGS = Record(_DEFAULTABLE, name="DefaultArgs")
"""What `default_args` may say for all tasks."""

COMMON_TASK_FIELDS: tuple[Field, ...] = (
    Field("depends_on", ListOf(Text(chars_max=250, what="the id of a task"), is_set=True), doc="Direct upstream."),
    Field("when", Either(otherwise=_EXPRESSION), doc="A condition; false skips the task."),
    Field("task_display_name", _NAME),
    Field("description", _DESCRIPTION),
    Field("doc_md", _DOC),
    Field(
        "expand",
        MapOf(
            Either(of_list=ListOf(AnyJson()), otherwise=_EXPRESSION), key_pattern=_VARIABLE, items_max=10, name="Expand"
        ),
        doc="Name -> list: one instance per item, per combination of items where there are several names.",
    ),
    Field(
        "outputs",
        MapOf(AnyJson(is_schema=True), items_max=_OUTPUTS_MAX, name="OutputSchemas"),
        doc="Name of an output -> JSON Schema that it must fit.",
    ),
    *_DEFAULTABLE,
)
"""What may be said about a task of any type."""

_DST = Record(
    (
        Field("gap", _choice(GapRule), doc="A time of day that the clocks leave out; shift when absent."),
        Field("overlap", _choice(OverlapRule), doc="A time of day that comes twice; first when absent."),
    ),
    name="DstRules",
)
_EXCLUDED = Text(
    chars_max=40,
    pattern=r"\d{4}-\d\d-\d\d|[A-Za-z].+",
    what="a date such as 2026-12-25, or a calendar such as DE, DE-BY or NYSE",
)

_SCHEDULE = Record(
    (
        Field("cron", Either(of_list=ListOf(Text(chars_max=200), 1, 20), otherwise=Text(chars_max=200))),
        Field("timezone", Text(chars_max=100), doc="IANA name; UTC when absent."),
        Field("interval", Duration(minimum=_A_SECOND)),
        Field("anchor", Instant()),
        Field("at", ListOf(Instant(), 1, 1_000)),
        Field("dst", _DST, doc="What happens to times of day when the clocks change."),
        Field(
            "calendar",
            Record(
                (
                    Field(
                        "exclude",
                        ListOf(_EXCLUDED, items_max=1_000, is_set=True),
                        required=True,
                        doc="Dates, and names of calendars: a country (DE), a part of one (DE-BY), a market (NYSE).",
                    ),
                ),
                name="ScheduleCalendar",
            ),
            doc="Local days on which nothing is due; the next run's interval reaches over them.",
        ),
        Field("jitter", Duration(maximum=timedelta(days=1)), doc="How far runs are spread after their instant."),
    ),
    exactly_one=("cron", "interval", "at"),
    only_with={"timezone": "cron", "dst": "cron", "calendar": "cron", "anchor": "interval"},
    name="Schedule",
)

_SCHEMA: Kind = Either(of_object=AnyJson(is_schema=True))

DAG_FIELDS: tuple[Field, ...] = (
    Field("dag_id", Identifier(), required=True),
    Field("dag_display_name", _NAME),
    Field("description", _DESCRIPTION),
    Field("doc_md", _DOC),
    Field("tags", ListOf(Text(chars_min=1, chars_max=100), items_max=100, is_set=True)),
    Field("owners", ListOf(Text(chars_min=1, chars_max=500), items_max=100, is_set=True)),
    Field("params", _SCHEMA, doc="JSON Schema 2020-12 of type object that every trigger is checked against."),
    Field(
        "schedule",
        Either(of_object=_SCHEDULE, otherwise=Text(chars_max=200)),
        nullable=True,
        doc="Null or absent: only by trigger.",
    ),
    Field("start_date", Instant()),
    Field("end_date", Instant()),
    Field("catchup", Boolean(), doc="Make up for slots that were missed; else only the latest of them runs."),
    Field("catchup_max", Integer(1, 10_000), doc="How many of the latest missed slots `catchup` makes up for."),
    Field("max_active_runs", Integer(1, 10_000)),
    Field("max_active_tasks", Integer(1, 100_000), doc="Of one run at one time."),
    Field("dagrun_timeout", Duration(minimum=_A_SECOND)),
    Field("is_paused_upon_creation", Boolean()),
    Field("default_args", DEFAULT_ARGS, doc="What every task has unless it says otherwise."),
    Field(
        "outputs",
        MapOf(AnyJson(), items_max=_OUTPUTS_MAX, name="Outputs"),
        doc="What a run returns: name -> value over tasks' outputs.",
    ),
)
"""What may be said about a DAG, besides `tasks`."""
