"""The fields of a definition, as tables: for a DAG, for every task, and for each type of task.

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
    Lifetime,
    ListOf,
    MapOf,
    MissedSlots,
    Number,
    Record,
    Scalar,
    Secret,
    Text,
)
from mainspring.definition.model import (
    RUN_PRIORITY_MAX,
    ConcurrencyStrategy,
    DeadlineAction,
    DeadlineAnchor,
    GapRule,
    MatchRule,
    OverlapRule,
    RunHandler,
    RunStateRule,
    TaskType,
    UpstreamEnd,
    WeightRule,
)
from mainspring.states import StateReason
from mainspring.trigger_rules import TriggerRule
from mainspring.waits import CHECKS
from mainspring.webhook_types import NOTIFY_TYPES

__all__ = ["COMMON_TASK_FIELDS", "DAG_FIELDS", "DEFAULT_ARGS", "GROUP_FIELDS", "GROUP_NAME", "TASKS_MAX", "TASK_TYPES"]

TASKS_MAX = 10_000
DESCRIPTION_CHARS_MAX = 10_000
DOC_CHARS_MAX = 100_000
SCRIPT_CHARS_MAX = 256 * 1024
RESPONSE_BYTES_MAX = 10 * 1024 * 1024
TURNS_MAX = 10_000


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
    Field("url", _URL, required=True, doc="Address of the request."),
    Field("method", _HTTP_METHOD, doc="Method of the request; GET when absent."),
    Field(
        "query",
        MapOf(Either(of_list=ListOf(Scalar()), otherwise=Scalar()), name="HttpQuery"),
        doc="Query parameters, quoted and appended to the URL.",
    ),
    Field("headers", _HEADERS, doc="Headers of the request: text with expressions, or `{secret: name}`."),
    Field("body", _TEXT, doc="Body that is sent as UTF-8 text."),
    Field("json", AnyJson(), doc="Body that is sent as JSON; expressions in it are evaluated."),
    Field("expected_status", ListOf(HttpStatus(), 1, 100), doc="Statuses of success; 200-299 when absent."),
    Field("follow_redirects", Boolean(), doc="Whether redirects are followed, at most 3; true when absent."),
)

_CHECKS = tuple(kind.value for kind in CHECKS)
_COMMAND = (
    Field("command", ListOf(_TEXT, 1, 1_000), doc="Program and arguments, started without a shell."),
    Field(
        "script",
        Text(chars_min=1, chars_max=SCRIPT_CHARS_MAX, verbatim_hint=_VERBATIM),
        doc="Shell source, run by `sh` as written.",
    ),
    _ENV,
    _WORKING_DIR,
)
_CALL = (
    Field("callable", _CALLABLE, required=True, doc="`package.module:function`, imported where the task runs."),
    Field("args", ListOf(AnyJson(), items_max=1_000), doc="Positional arguments of the callable."),
    Field(
        "kwargs",
        MapOf(AnyJson(), key_pattern=_VARIABLE, name="KeywordArguments"),
        doc="Keyword arguments of the callable.",
    ),
    _ENV,
    _WORKING_DIR,
)
_FILE = (
    Field(
        "path",
        Text(chars_min=1, chars_max=4_096, pattern="/.*", what="the absolute path of a file", templated=True),
        required=True,
        doc="Absolute path of the file, where the queue of the task runs.",
    ),
    Field("min_bytes", Integer(0, 2**53), doc="Smallest size of the file, in bytes; 0 when absent."),
    Field(
        "stable_for",
        Duration(),
        doc="How long the file must have been unchanged, by its time of modification; PT0S when absent.",
    ),
)
_FAIL_ON_EXIT_CODES = Field(
    "fail_on_exit_codes",
    ListOf(Integer(1, 255), 1, 255),
    doc="Exit codes that fail the try. After every other one but 0 the task waits on.",
)

_ASSIGNED = Record(
    (
        Field(
            "users",
            ListOf(Text(chars_min=1, chars_max=250), 1, 100, is_set=True),
            doc="Names of users. A token of a user counts as the user.",
        ),
        Field(
            "roles",
            ListOf(Choice(("operator", "author", "admin"), name="AnsweringRole"), 1, 3, is_set=True),
            doc="Roles on the DAG; a role includes the lesser ones.",
        ),
    ),
    at_least_one=("users", "roles"),
    what="an object such as {users: [ann]}",
    name="AssignedAnswerers",
)
_UNTIL = Field(
    "until",
    _EXPRESSION,
    doc="Condition on `answer`, with `status`, `headers` and `body`; the task waits on while the condition is false.",
)

TASK_TYPES: Mapping[str, Record] = {
    TaskType.SHELL.value: Record(
        (*_COMMAND, _SKIP_EXIT_CODE),
        exactly_one=("command", "script"),
    ),
    TaskType.PYTHON.value: Record(
        (
            Field("callable", _CALLABLE, doc="`package.module:function`, imported where the task runs."),
            Field("args", ListOf(AnyJson(), items_max=1_000), doc="Positional arguments of the callable."),
            Field(
                "kwargs",
                MapOf(AnyJson(), key_pattern=_VARIABLE, name="KeywordArguments"),
                doc="Keyword arguments of the callable.",
            ),
            Field(
                "source",
                Text(
                    chars_min=1,
                    chars_max=SCRIPT_CHARS_MAX,
                    verbatim_hint="it is run as written; give values through `inputs`",
                ),
                doc="A Python program, run by an interpreter of its own.",
            ),
            Field("inputs", _JSON_OBJECT, doc="JSON that the program reads from the file named by MAINSPRING_INPUT."),
            _ENV,
            _WORKING_DIR,
            _SKIP_EXIT_CODE,
        ),
        exactly_one=("callable", "source"),
        only_with={"args": "callable", "kwargs": "callable", "inputs": "source", "skip_exit_code": "source"},
    ),
    TaskType.HTTP.value: Record(
        (
            *_REQUEST,
            Field(
                "response_bytes_max",
                Integer(0, RESPONSE_BYTES_MAX),
                doc="Largest response that is read, in bytes; the limit of outputs when absent.",
            ),
        ),
        at_most_one=("body", "json"),
    ),
    TaskType.NOOP.value: Record(()),
    TaskType.WAIT.value: Record(
        (
            Field("until", Instant(templated=True), doc="Instant at which the task succeeds."),
            Field("for", Duration(), doc="How long the task waits."),
            Field(
                "http",
                Record((*_REQUEST, _UNTIL), at_most_one=("body", "json"), name="HttpRequest"),
                doc="The task succeeds when this request answers with an expected status, and `until` is true.",
            ),
            Field(
                "signal",
                Identifier(),
                doc="Name of the signal, sent to the run, for which the task waits.",
            ),
            Field(
                "shell",
                Record((*_COMMAND, _FAIL_ON_EXIT_CODES), exactly_one=("command", "script"), name="CommandCheck"),
                doc="The task succeeds when this command ends with exit code 0.",
            ),
            Field(
                "python",
                Record(_CALL, name="CallableCheck"),
                doc="The task succeeds when this callable returns a true value.",
            ),
            Field("file", Record(_FILE, name="FileCheck"), doc="The task succeeds when this file is there."),
            Field("interval", Duration(minimum=_A_SECOND), doc="Time between two checks; 30 s when absent."),
            Field(
                "check_timeout",
                Duration(minimum=_A_SECOND),
                doc="How long one check may take; 30 s when absent, and for `http` as long as a request may take.",
            ),
            Field("timeout", Duration(minimum=_A_SECOND), doc="The task fails after it has waited this long."),
            Field("soft_fail", Boolean(), doc="Whether the timeout skips the task instead of failing it."),
        ),
        exactly_one=("until", "for", "signal", *_CHECKS),
        only_with={"interval": _CHECKS, "check_timeout": _CHECKS, "soft_fail": "timeout"},
    ),
    TaskType.BRANCH.value: Record(
        (
            Field("choose", _EXPRESSION, doc="Yields the id, or a list of ids, of direct downstream tasks to run."),
            Field("callable", _CALLABLE, doc="`package.module:function`, whose result names the tasks to run."),
            Field("args", ListOf(AnyJson(), items_max=1_000), doc="Positional arguments of the callable."),
            Field(
                "kwargs",
                MapOf(AnyJson(), key_pattern=_VARIABLE, name="KeywordArguments"),
                doc="Keyword arguments of the callable.",
            ),
        ),
        exactly_one=("choose", "callable"),
        only_with={"args": "callable", "kwargs": "callable"},
    ),
    TaskType.APPROVAL.value: Record(
        (
            Field(
                "message",
                Text(chars_min=1, chars_max=DESCRIPTION_CHARS_MAX, templated=True),
                required=True,
                doc="The question that a person answers.",
            ),
            Field("choices", ListOf(_NAME, 1, 20, is_set=True), doc="`approve` and `reject` when absent."),
            Field("multiple", Boolean(), doc="Whether an answer may name several choices; false when absent."),
            Field(
                "params",
                Either(of_object=AnyJson(is_schema=True)),
                doc="JSON Schema 2020-12 of type object for the values of an answer; no values when absent.",
            ),
            Field("assigned", _ASSIGNED, doc="Who may answer; each operator of the DAG when absent."),
            Field(
                "timeout", Duration(minimum=_A_SECOND), doc="The task fails when no person has answered for this long."
            ),
            Field(
                "default",
                Either(of_list=ListOf(_NAME, 1, 20, is_set=True), otherwise=_NAME),
                doc="The choice that is taken when the timeout passes, instead of a failure; with `multiple` a list.",
            ),
        ),
        only_with={"default": "timeout"},
    ),
    TaskType.DAG.value: Record(
        (
            Field("dag_id", Identifier(), required=True, doc="The DAG to run."),
            Field("version", Integer(1, 2**31 - 1), doc="Number of the saved version to run; the current when absent."),
            Field("conf", _JSON_OBJECT, doc="`conf` of the new run."),
            Field("wait", Boolean(), doc="Whether the task lasts until the other run has ended; true when absent."),
        )
    ),
}
"""Type of task -> the fields of this type alone. These fields are the task's payload, in which expressions are
evaluated."""

_RETRY_RULE = Record(
    (
        Field("action", Choice(("retry", "fail"), name="RetryAction"), required=True, doc="`retry` or `fail`."),
        Field("exit_code", ListOf(Integer(0, 255), 1, 256), doc="Exit codes that the rule fits."),
        Field("reason", ListOf(_choice(StateReason), 1, 50), doc="Reasons that the rule fits."),
        Field("error", Text(chars_min=1, chars_max=500), doc="A regular expression searched in the message."),
    ),
    name="RetryRule",
)

_DEADLINE = Record(
    (
        Field("after", _choice(DeadlineAnchor), required=True, doc="Instant from which the time counts."),
        Field("within", Duration(minimum=_A_SECOND), required=True, doc="Time after which what has not ended is late."),
        Field("action", _choice(DeadlineAction), doc="`fail` also fails what is late; `notify` when absent."),
    ),
    name="Deadline",
)

_DEFAULTABLE: tuple[Field, ...] = (
    Field(
        "trigger_rule",
        _choice(TriggerRule),
        doc="States of the direct upstream that let the task run; `all_success` when absent.",
    ),
    Field("owner", Text(chars_max=500), doc="Who is responsible for the task. Informative."),
    Field("retries", Integer(0, 1_000), doc="Tries after the first failed try; 0 when absent."),
    Field("retry_delay", Duration(), doc="Time between a failed try and the next try; PT5M when absent."),
    Field("retry_backoff", Number(1.0, 1_000.0), doc="Factor from one delay to the next; 1 when absent."),
    Field("max_retry_delay", Duration(), doc="Upper bound of the delay between two tries."),
    Field("retry_jitter", Boolean(), doc="Draw each delay evenly between nothing and itself."),
    Field("retry_deadline", Duration(minimum=_A_SECOND), doc="No try starts later than this after the first."),
    Field("retry_policy", ListOf(_RETRY_RULE, items_max=50), doc="The first rule that fits a failure decides."),
    Field(
        "execution_timeout",
        Duration(minimum=timedelta(milliseconds=1)),
        doc="Time limit of one try; no limit when absent.",
    ),
    Field(
        "queue_timeout",
        Duration(minimum=_A_SECOND),
        doc="The task fails when it has not started this long after it was handed to its executor.",
    ),
    Field("deadline", _DEADLINE, doc="When an instance must have ended; otherwise the instance is late."),
    Field(
        "cancel_grace",
        Duration(maximum=timedelta(hours=1)),
        doc="Time between the signals TERM and KILL; PT10S when absent.",
    ),
    Field(
        "max_active_tis", Integer(1, 10_000), doc="Instances of this task in one run that may be active at one time."
    ),
    Field(
        "max_active_tis_per_dag",
        Integer(1, 10_000),
        doc="Instances of this task in all runs of the DAG that may be active at one time.",
    ),
    Field("pool", _POOL, doc="Pool that the task takes slots of; `default_pool` when absent."),
    Field("pool_slots", Integer(1, 10_000), doc="Slots of the pool that one instance takes; 1 when absent."),
    Field(
        "priority_weight",
        Integer(-1_000_000, 1_000_000),
        doc="Weight in the order of ready tasks; larger is earlier; 1 when absent.",
    ),
    Field(
        "weight_rule",
        _choice(WeightRule),
        doc="How weights of neighbours add up to the priority; `downstream` when absent.",
    ),
    Field("queue", _ROUTE, doc="Queue whose workers may run the task; `default` when absent."),
    Field("executor", _ROUTE, doc="Executor that runs the task; the default executor of the scheduler when absent."),
    Field(
        "depends_on_past",
        Boolean(),
        doc="Whether the task waits until the same task of the previous run has succeeded or was skipped.",
    ),
    Field(
        "allow_failure",
        Boolean(),
        doc="Whether a failure of the task counts as a success for the downstream and for the run; false when absent.",
    ),
)

_TEARDOWN = Record(
    (
        Field(
            "of",
            ListOf(Text(chars_max=250, what="the id of a task"), 1, is_set=True),
            required=True,
            doc="Ids of the set-ups, which are upstream of the tear-down.",
        ),
        Field("fails_run", Boolean(), doc="Whether a failure of the tear-down fails the run; false when absent."),
    ),
    name="Teardown",
)

_REPEAT = Record(
    (
        Field(
            "until",
            _EXPRESSION,
            required=True,
            doc="Condition that is evaluated after each turn, over `turn.outputs` and other names; true ends the loop.",
        ),
        Field(
            "max",
            Integer(1, TURNS_MAX),
            required=True,
            doc="Turns after which the task fails with the reason `repeat_max`.",
        ),
        Field("delay", Duration(), doc="Time from the end of a turn to the next turn; none when absent."),
    ),
    name="Repeat",
)

DEFAULT_ARGS = Record(_DEFAULTABLE, name="DefaultArgs")
"""Fields that `default_args` may set for all tasks."""

_EXPAND = Field(
    "expand",
    MapOf(Either(of_list=ListOf(AnyJson()), otherwise=_EXPRESSION), key_pattern=_VARIABLE, items_max=10, name="Expand"),
    doc="Name -> list: one instance per item, per combination of items where there are several names.",
)

COMMON_TASK_FIELDS: tuple[Field, ...] = (
    Field(
        "depends_on",
        ListOf(Text(chars_max=250, what="the id of a task"), is_set=True),
        doc="Ids of the tasks and groups that come directly before the task; a group stands for its last tasks.",
    ),
    Field("when", Either(otherwise=_EXPRESSION), doc="A condition; false skips the task."),
    Field(
        "handler",
        _choice(RunHandler),
        doc="Makes the task a handler of the run: the task runs after all others have ended, when the run ends so.",
    ),
    Field("setup", Boolean(), doc="Whether the task makes what a tear-down cleans up; false when absent."),
    Field(
        "teardown",
        _TEARDOWN,
        doc="Makes the task a tear-down: it runs when a set-up succeeded, also after a cancel or a time limit.",
    ),
    Field(
        "repeat",
        _REPEAT,
        doc="Makes the task a loop: it runs again after each success until a condition holds.",
    ),
    Field("task_display_name", _NAME, doc="Name that people read."),
    Field("description", _DESCRIPTION, doc="What the task does, in a sentence."),
    Field("doc_md", _DOC, doc="Documentation in Markdown."),
    _EXPAND,
    Field(
        "key",
        _EXPRESSION,
        doc="Text that names each instance of a mapped task, such as `${{ map.region }}`; the map index when absent.",
    ),
    Field(
        "outputs",
        MapOf(AnyJson(is_schema=True), items_max=_OUTPUTS_MAX, name="OutputSchemas"),
        doc="Name of an output -> JSON Schema that it must fit.",
    ),
    *_DEFAULTABLE,
)
"""Fields of every task."""

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

_UPSTREAM_DAG = Record(
    (
        Field("dag", Identifier(), required=True, doc="Id of a DAG; the DAG may be saved later."),
        Field("state", _choice(UpstreamEnd), doc="How a run of the DAG must end to count; success when absent."),
        Field(
            "again",
            Boolean(),
            doc="Whether a run counts once more when it ends so again after a clear; false when absent.",
        ),
    ),
    name="UpstreamDag",
)

_SCHEDULE = Record(
    (
        Field(
            "cron",
            Either(of_list=ListOf(Text(chars_max=200), 1, 20), otherwise=Text(chars_max=200)),
            doc="One or several cron expressions with five fields, or six with the seconds last; `H` stands for "
            "a value that the id of the DAG determines.",
        ),
        Field("timezone", Text(chars_max=100), doc="IANA name; UTC when absent."),
        Field("interval", Duration(minimum=_A_SECOND), doc="Time from one run to the next."),
        Field("anchor", Instant(), doc="Instant from which the intervals are counted."),
        Field("at", ListOf(Instant(), 1, 1_000), doc="Instants at which a run is due."),
        Field("dst", _DST, doc="Rules for times of day when the clocks change."),
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
        Field("after", ListOf(_UPSTREAM_DAG, 1, 100), doc="DAGs whose runs make a run when they end."),
        Field(
            "match",
            _choice(MatchRule),
            doc="`all`: one end of each DAG of `after` makes a run; `any`: each end does; all when absent.",
        ),
        Field(
            "within",
            Duration(minimum=_A_SECOND),
            doc="Time within which the ends must lie that make a run together; any time when absent.",
        ),
    ),
    exactly_one=("cron", "interval", "at", "after"),
    only_with={
        "timezone": "cron",
        "dst": "cron",
        "calendar": "cron",
        "anchor": "interval",
        "match": "after",
        "within": "after",
    },
    name="Schedule",
)

_SCHEMA: Kind = Either(of_object=AnyJson(is_schema=True))

_RETENTION = Record(
    (
        Field("runs", Lifetime(), doc="How long ended runs stay; as the settings of the server say when absent."),
        Field("failed_runs", Lifetime(), doc="The same for failed runs."),
        Field("keep_last", Integer(1, 1_000_000), doc="So many of the latest ended runs stay whatever their age."),
        Field(
            "runs_max",
            Integer(1, 1_000_000),
            doc="More ended runs are deleted whatever their age, oldest first.",
        ),
    ),
    name="Retention",
)

_CONCURRENCY = Record(
    (
        Field(
            "key",
            _EXPRESSION,
            required=True,
            doc="Text with expressions over `params`, `conf` and other names of the run; runs with the same result "
            "share the limit.",
        ),
        Field("max", Integer(1, 10_000), doc="Runs with the same key that may be running at one time; 1 when absent."),
        Field(
            "strategy",
            _choice(ConcurrencyStrategy),
            doc="What happens to a run while the limit is reached; `queue` when absent.",
        ),
    ),
    name="Concurrency",
)

_DEBOUNCE = Record(
    (
        Field(
            "key",
            _EXPRESSION,
            required=True,
            doc="Text with expressions over `params`, `conf` and other names of the run; triggers with the same result "
            "become one run.",
        ),
        Field(
            "for", Duration(minimum=_A_SECOND), required=True, doc="Time that the run waits after the latest trigger."
        ),
        Field(
            "max_wait",
            Duration(minimum=_A_SECOND),
            required=True,
            doc="Time after the first trigger at which the run starts at the latest.",
        ),
    ),
    name="Debounce",
)

_NOTIFY_RULE = Record(
    (
        Field(
            "on",
            ListOf(Choice(tuple(NOTIFY_TYPES), name="NotifyOn"), 1, len(NOTIFY_TYPES), is_set=True),
            required=True,
            doc="What to tell: that a run failed, succeeded or is late, or that an approval waits for an answer.",
        ),
        Field(
            "webhook", _NAME, doc="Name of the webhook to send to; it belongs to the author, or the author is an admin."
        ),
        Field("notifier", _NAME, doc="Name of the notifier that tells people; its pattern must cover the DAG."),
    ),
    exactly_one=("webhook", "notifier"),
    name="NotifyRule",
)

GROUP_FIELDS: tuple[Field, ...] = (
    Field("group_display_name", _NAME, doc="Name that people read."),
    Field("tooltip", _DESCRIPTION, doc="What the group does, in a sentence."),
    Field(
        "prefix_group_id",
        Boolean(),
        doc="Whether the ids of the tasks and groups in the group begin with its id and a dot; true when absent.",
    ),
    Field("default_args", DEFAULT_ARGS, doc="Fields that every task in the group has unless the task has its own."),
    Field(
        "depends_on",
        ListOf(Text(chars_max=250, what="the id of a task or a group"), is_set=True),
        doc="Tasks and groups that come directly before the first tasks of the group.",
    ),
    Field(
        "expand",
        _EXPAND.kind,
        doc="Name -> list: every task in the group has one instance per item, and no item waits for another.",
    ),
    Field(
        "key",
        _EXPRESSION,
        doc="Text that names the instances of an item, such as `${{ map.region }}`; the map index when absent.",
    ),
)
"""Fields of a task group, except `tasks` and `groups`."""
GROUP_NAME = "[A-Za-z0-9_-]{1,200}"

DAG_FIELDS: tuple[Field, ...] = (
    Field("dag_id", Identifier(), required=True, doc="Id of the DAG. The request path names it when absent."),
    Field("dag_display_name", _NAME, doc="Name that people read."),
    Field("description", _DESCRIPTION, doc="What the DAG does, in a sentence."),
    Field("doc_md", _DOC, doc="Documentation in Markdown."),
    Field(
        "tags",
        ListOf(Text(chars_min=1, chars_max=100), items_max=100, is_set=True),
        doc="Labels that lists of DAGs can be filtered by.",
    ),
    Field(
        "owners",
        ListOf(Text(chars_min=1, chars_max=500), items_max=100, is_set=True),
        doc="Who is responsible for the DAG. Informative.",
    ),
    Field("params", _SCHEMA, doc="JSON Schema 2020-12 of type object that every trigger is checked against."),
    Field(
        "schedule",
        Either(of_object=_SCHEDULE, otherwise=Text(chars_max=200)),
        nullable=True,
        doc="When runs are due; null or absent: only a trigger makes runs.",
    ),
    Field("start_date", Instant(), doc="No run is scheduled for an instant before."),
    Field("end_date", Instant(), doc="No run is scheduled for an instant after."),
    Field(
        "catchup",
        MissedSlots(),
        doc="Missed slots that run: `all` (or true), the `latest` (or false), `none`; `latest` when absent.",
    ),
    Field("catchup_max", Integer(1, 10_000), doc="How many of the latest missed slots `catchup` makes up for."),
    Field(
        "max_active_runs", Integer(1, 10_000), doc="Runs of the DAG that may be running at one time; 16 when absent."
    ),
    Field(
        "priority",
        Integer(-RUN_PRIORITY_MAX, RUN_PRIORITY_MAX),
        doc="Priority of runs that are triggered without their own; a higher priority starts first; 0 when absent.",
    ),
    Field("concurrency", _CONCURRENCY, doc="Limit of the runs with the same key, such as those of one customer."),
    Field("debounce", _DEBOUNCE, doc="Triggers without a logical date that become one run."),
    Field(
        "max_active_tasks",
        Integer(1, 100_000),
        doc="Task instances of one run that may be active at one time; 128 when absent.",
    ),
    Field("dagrun_timeout", Duration(minimum=_A_SECOND), doc="A run that takes longer is failed."),
    Field(
        "fail_fast",
        Boolean(),
        doc="Whether the first failure ends the run: what runs is cancelled, what waits is skipped; false when absent.",
    ),
    Field(
        "run_state",
        _choice(RunStateRule),
        doc="Failures that fail the run: `any_failure` that nothing handled, or those of the `leaves` alone, as in "
        "Airflow; `any_failure` when absent.",
    ),
    Field("deadline", _DEADLINE, doc="When a run must have ended; otherwise the run is late."),
    Field(
        "is_paused_upon_creation", Boolean(), doc="Whether the DAG is paused when it is first saved; false when absent."
    ),
    Field("retention", _RETENTION, doc="How long the history of the DAG stays, where it differs from the settings."),
    Field("notify", ListOf(_NOTIFY_RULE, items_max=20), doc="Who is told of the ends and delays of runs."),
    Field("default_args", DEFAULT_ARGS, doc="Fields that every task has unless the task has its own."),
    Field(
        "outputs",
        MapOf(AnyJson(), items_max=_OUTPUTS_MAX, name="Outputs"),
        doc="Outputs of a run: name -> value made from outputs of tasks.",
    ),
)
"""Fields of a DAG, except `tasks`."""
