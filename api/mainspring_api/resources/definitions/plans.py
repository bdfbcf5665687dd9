"""Plans: what saving definitions would change, and saving many definitions at once."""

import hashlib
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import orjson
from flask import Response, g
from itsdangerous import BadSignature
from marshmallow import fields, validate
from sqlalchemy import Connection

from mainspring.definition import Definition
from mainspring.definition.changes import compare_definitions, summarise
from mainspring.errors import Conflict, InvalidDag, InvalidInput, PreconditionFailed, Problem
from mainspring_api.http.answers import answer
from mainspring_api.http.audit import audit_detail
from mainspring_api.http.context import context, replace_database
from mainspring_api.http.fields import Answer, Body, Choice, Flag, Instant
from mainspring_api.http.operations import JSON, Resource
from mainspring_api.http.owners import current_owner
from mainspring_api.http.permissions import Over, require_role_on
from mainspring_api.http.reference_authorization import check_references
from mainspring_api.resources.definitions.bundle_names import bundle_of, is_bundle_name
from mainspring_api.resources.definitions.dag_versions import (
    INCOMPATIBLE,
    DefinitionChange,
    change_body,
    incompatible_bodies,
)
from mainspring_api.resources.definitions.definition_warnings import WARNINGS, warnings_of
from mainspring_api.resources.definitions.plan_effects import (
    DueSlots,
    broken_callers,
    due_slots,
    foresee_due_slots,
    in_flight,
    planned_runs,
    stored_definition,
)
from mainspring_api.resources.definitions.sent_definitions import PlannedDefinition, SentDefinition, parse_sent
from mainspring_store.access.idempotency import AlreadyAnswered, Call, StoredResponse, claim_key, store_response
from mainspring_store.access.roles import Role
from mainspring_store.database.shared_transaction import SharedTransaction
from mainspring_store.queries.plans import current_versions
from mainspring_store.resources.awaited_dags import upstream_dags
from mainspring_store.resources.bundles import bundle_members, bundles_of, make_stale
from mainspring_store.resources.dags import Bundle, Expected, Saved, bundle_problem, check_dag, save_dag
from mainspring_store.resources.row_locks import lock_dag

__all__ = ["blueprint"]

blueprint = Resource("plans", "Plans: what saving definitions would change", tag="dags")

DEFINITIONS_MAX = 500
KEPT_MAX = 10_000
PLAN_BYTES_MAX = 20 * 1024 * 1024
TOKEN_SECONDS = 15 * 60
_SALT = "plan-token"
_BASE_FIELDS = ("id", "bundle_name", "is_stale", "is_paused")


class PlanAction(StrEnum):
    """What a save would do with a DAG."""

    CREATE = "create"
    CHANGE = "change"
    UNCHANGED = "unchanged"
    REMOVE = "remove"


def _bundle_name(description: str, **options: Any) -> fields.String:
    return fields.String(validate=is_bundle_name, metadata={"description": description}, **options)


def _members_of_bundle() -> "tuple[fields.String, fields.Boolean]":
    """The members `bundle_name` and `take_over` of a body."""
    name = _bundle_name(
        "Bundle that the definitions belong to; null = each DAG keeps its bundle", load_default=None, allow_none=True
    )
    take_over = Flag(
        load_default=False,
        metadata={"description": "True = the DAGs may belong to another bundle until now"},
    )
    return name, take_over


def _definitions(*, least: int) -> "fields.List[Any]":
    return fields.List(
        fields.Nested(PlannedDefinition),
        load_default=list,
        validate=validate.Length(min=least, max=DEFINITIONS_MAX),
        metadata={"description": f"Definitions to save, at most {DEFINITIONS_MAX}, each DAG once"},
    )


class PlanBody(Body):
    """The definitions to be saved, and the DAGs to be removed."""

    definitions = _definitions(least=0)
    removed = fields.List(
        fields.String(validate=validate.Length(max=250)),
        load_default=list,
        validate=validate.Length(max=DEFINITIONS_MAX),
        metadata={"description": "Ids of the DAGs that would be removed, such as those that a folder no longer has"},
    )
    bundle_name, take_over = _members_of_bundle()


class DagsBody(Body):
    """The definitions to save, all or none."""

    definitions = _definitions(least=1)
    plan_token = fields.String(
        load_default=None,
        allow_none=True,
        validate=validate.Length(max=1000),
        metadata={"description": "Token of the plan of exactly these definitions; null = save without a plan"},
    )
    message = fields.String(
        load_default="",
        validate=validate.Length(max=1000),
        metadata={"description": "Reason of the change, kept with each new version"},
    )
    bundle_name, take_over = _members_of_bundle()


class PruneBody(Body):
    """The DAGs that a bundle still has."""

    bundle_name = _bundle_name("Bundle to prune", required=True)
    kept = fields.List(
        fields.String(validate=validate.Length(max=250)),
        required=True,
        validate=validate.Length(min=1, max=KEPT_MAX),
        metadata={"description": f"Ids of the DAGs that the bundle has, at most {KEPT_MAX}"},
    )
    force = Flag(
        load_default=False,
        metadata={"description": "True = also when more than half of the bundle would go"},
    )
    dry_run = Flag(
        load_default=False,
        metadata={"description": "True = only say what would go; nothing is changed"},
    )


class PrunedDags(Answer):
    """The DAGs that a bundle no longer has."""

    bundle_name = fields.String(metadata={"description": "Bundle that was pruned"})
    dag_ids = fields.List(
        fields.String(), metadata={"description": "DAGs that became stale by this request, or would; sorted"}
    )
    stale_dag_ids = fields.List(
        fields.String(), metadata={"description": "DAGs of the bundle that were stale before; sorted"}
    )


class BrokenCaller(Answer):
    """A caller whose `conf` the DAG would no longer take."""

    kind = fields.String(
        validate=validate.OneOf(["dag", "client"]), metadata={"description": "`dag` = a DAG with a task that runs it"}
    )
    caller = fields.String(metadata={"description": "Id of the calling DAG, or name of the user or token"})
    last_seen = Instant(allow_none=True, metadata={"description": "Latest refused call; null = unknown"})
    count = fields.Integer(metadata={"description": "Tasks of the DAG, or calls of the last 30 days"})
    why = fields.String(metadata={"description": "Fault of the call"})


class RunInFlight(Answer):
    """A run that has not ended; it keeps its version."""

    dag_run_id = fields.String()
    version_number = fields.Integer(metadata={"description": "Number of the version that the run executes"})


class NextRuns(Answer):
    """When the next runs are due."""

    before = fields.List(Instant(), metadata={"description": "Next runs as the DAG stands"})
    after = fields.List(Instant(), metadata={"description": "Next runs after the save"})


class DagPlan(Answer):
    """What would happen to one DAG."""

    dag_id = fields.String()
    action = Choice(PlanAction, metadata={"description": "Effect of the save on the DAG"})
    base_version_number = fields.Integer(
        allow_none=True, metadata={"description": "Current version that the plan starts from; null = a new DAG"}
    )
    bundle_name = fields.String(
        allow_none=True, metadata={"description": "Bundle that the DAG belongs to now; null = none"}
    )
    content_hash = fields.String(
        allow_none=True, metadata={"description": "SHA-256 (hex) of the normalised definition; null = removed"}
    )
    summary = fields.String(metadata={"description": "Changes in a sentence"})
    changes = fields.List(fields.Nested(DefinitionChange), metadata={"description": "Changes by meaning"})
    incompatible = INCOMPATIBLE
    warnings = WARNINGS
    breaking = fields.List(
        fields.Nested(BrokenCaller), metadata={"description": "Callers that the change breaks and the caller may see"}
    )
    hidden_breaking = fields.Integer(metadata={"description": "Number of further callers that the change breaks"})
    next_runs = fields.Nested(NextRuns, metadata={"description": "Next runs, at most five each"})
    catchup_runs = fields.Integer(
        metadata={"description": "Runs that are due at once after the save, counted up to 100"}
    )
    due_slots = fields.List(
        Instant(),
        metadata={
            "description": "Logical dates of the runs that the scheduler would create at once, ascending, at most 100; "
            "none while the DAG is paused"
        },
    )
    in_flight = fields.List(
        fields.Nested(RunInFlight), metadata={"description": "Unfinished runs, oldest first, at most 20"}
    )
    in_flight_total = fields.Integer(metadata={"description": "Number of all unfinished runs"})


class Plan(Answer):
    """What saving the definitions would change."""

    planned_at = Instant(metadata={"description": "Instant of the plan"})
    plan_token = fields.String(
        metadata={"description": "Proof of this plan for `PUT /dags`: for its maker, 15 minutes, once"}
    )
    expires_at = Instant(metadata={"description": "Instant from which the token is refused"})
    dags = fields.List(fields.Nested(DagPlan), metadata={"description": "Effect on each DAG, in the order of the body"})


class SavedDag(Answer):
    """One saved DAG."""

    dag_id = fields.String()
    action = Choice(PlanAction, metadata={"description": "Effect of the save on the DAG"})
    version_number = fields.Integer(metadata={"description": "Number of the current version"})
    due_slots = fields.List(
        Instant(),
        metadata={
            "description": "Logical dates of the runs that the scheduler creates at once, ascending, at most 100: "
            "those of the plan, and those that came due since"
        },
    )
    warnings = WARNINGS


class SavedDags(Answer):
    """All saved DAGs."""

    dags = fields.List(fields.Nested(SavedDag), metadata={"description": "Saved DAGs, in the order of the body"})


@blueprint.operation(
    "POST",
    "/dags/plan",
    "plan_dags",
    role=Role.AUTHOR,
    over=Over.DAGS,
    answer=Plan,
    body=PlanBody,
    body_bytes_max=PLAN_BYTES_MAX,
    errors=(404,),
)
def plan_dags(body: Mapping[str, Any]) -> Response:
    """Say what saving definitions, and removing DAGs, would change. Nothing is written.

    A fault of any definition is answered as a save would; its pointer begins with `/definitions/` and the position.
    """
    bundle = bundle_of(body)
    items, removed = _read(body["definitions"], bundle), list(dict.fromkeys(body["removed"]))
    for dag_id in removed:
        require_role_on(dag_id, Role.AUTHOR)
    now = datetime.now(UTC)
    ids = [item.definition.dag_id for item in items]
    versions = current_versions(context().database, [*ids, *removed])
    expires_at = now + timedelta(seconds=TOKEN_SECONDS)
    claims = {
        "principal": g.user.id,
        "planned_at": now.isoformat(),
        "expires": expires_at.timestamp(),
        "nonce": secrets.token_hex(8),
        "bodies": _digest_of_bodies(items, bundle),
        "bases": _digest_of_bases(ids, versions),
    }
    plans = [
        {
            **_plan(item.definition.dag_id, item, versions.get(item.definition.dag_id), now, bundle),
            "warnings": warnings_of(item.definition, item.source, planned=frozenset(ids)),
        }
        for item in items
    ]
    plans += [_plan(dag_id, None, versions.get(dag_id), now) for dag_id in removed if dag_id in versions]
    token = context().signer.dumps(claims, salt=_SALT)
    return answer({"planned_at": now, "plan_token": token, "expires_at": expires_at, "dags": plans})


@blueprint.operation(
    "PUT",
    "/dags",
    "put_dags",
    role=Role.AUTHOR,
    over=Over.DAGS,
    answer=SavedDags,
    body=DagsBody,
    body_bytes_max=PLAN_BYTES_MAX,
    errors=(404, 409),
)
def put_dags(body: Mapping[str, Any]) -> Response:
    """Save many definitions, all or none.

    With `plan_token`, the definitions must be those of the plan. 412 answers when a DAG was changed since, when a slot
    of the plan would no longer give a run, or when the token was used.
    """
    bundle = bundle_of(body)
    items = _read(body["definitions"], bundle)
    now = datetime.now(UTC)
    claims = None if body["plan_token"] is None else _claims(body["plan_token"], _digest_of_bodies(items, bundle), now)
    ids = [item.definition.dag_id for item in items]
    audit_detail(dag_ids=ids)
    ctx = context()
    # Other writers wait for the transaction, so what is costly comes before it.
    foreseen = _foresee(items, None if claims is None else datetime.fromisoformat(claims["planned_at"]), now)
    warnings = [warnings_of(item.definition, item.source, planned=frozenset(ids)) for item in items]
    with SharedTransaction(ctx.database, at_begin=lambda connection: _lock(connection, items)) as shared:
        replace_database(shared)
        with shared.write() as connection:
            if claims is not None:
                _use_token(connection, body["plan_token"], now)
                _check_bases(claims, items)
        message, has_plan = body["message"] or None, claims is not None
        planned = _planned(items)
        saved = [_save(item, message, bundle, has_plan=has_plan, planned=planned, now=now) for item in items]
        due = [due_slots(slots) for slots in foreseen]
    for result in saved:
        ctx.versions.keep(result.version)
    ctx.notifier.notify()
    answered = zip(items, saved, due, warnings, strict=True)
    return answer({"dags": [_saved_body(*results) for results in answered]})


@blueprint.operation(
    "POST",
    "/dags/prune",
    "prune_dags",
    role=Role.AUTHOR,
    over=Over.DAGS,
    answer=PrunedDags,
    body=PruneBody,
    errors=(404, 409),
)
def prune_dags(body: Mapping[str, Any]) -> Response:
    """Pause the DAGs that a bundle no longer has, and mark them as stale.

    Touches only DAGs of the bundle that the caller sees, and none unless the caller is author of all of them. A stale
    DAG keeps its versions and runs; lists hide it, no new run starts, and a save makes it current again. Refused with
    409 when more than half of the bundle would go, unless `force`.
    """
    name, kept = body["bundle_name"], frozenset(body["kept"])
    ctx = context()
    members = [member for member in bundle_members(ctx.database, name) if g.user.role_on(member.dag_id) is not None]
    present = [member.dag_id for member in members if not member.is_stale]
    absent = [dag_id for dag_id in present if dag_id not in kept]
    for dag_id in absent:
        require_role_on(dag_id, Role.AUTHOR)
    if len(absent) * 2 > len(present) and not body["force"]:
        raise Conflict(
            f"{len(absent)} of the {len(present)} DAGs of bundle '{name}' would go, which is more than half; "
            "send force: true (--force) if that is meant"
        )
    audit_detail(bundle_name=name, dag_ids=absent)
    if absent and not body["dry_run"]:
        absent = make_stale(ctx.database, name, absent, by=g.user.name, now=datetime.now(UTC))
        ctx.notifier.notify()
    stale = [member.dag_id for member in members if member.is_stale and member.dag_id not in kept]
    return answer({"bundle_name": name, "dag_ids": absent, "stale_dag_ids": stale})


def _read(bodies: Sequence[Mapping[str, Any]], bundle: Bundle | None) -> list[SentDefinition]:
    """The checked definitions of a body.

    Raises:
        InvalidDag: Every fault of every definition. Forbidden, NotFound: The caller is no author of a DAG.
    """
    items: list[SentDefinition] = []
    faults: list[Problem] = []
    ids: dict[str, int] = {}
    for position, body in enumerate(bodies):
        at = f"/definitions/{position}"
        try:
            item = parse_sent(body)
            require_role_on(item.definition.dag_id, Role.AUTHOR)
            check_references(item.definition)
        except InvalidDag as exc:
            faults += [_below(at, problem) for problem in exc.problems]
            continue
        dag_id = item.definition.dag_id
        if ids.setdefault(dag_id, position) != position:
            message = f"dag '{dag_id}' is there twice"
            faults.append(Problem(pointer=at, message=message, code="duplicate_id"))
        items.append(item)
    planned = _planned(items)
    for item in items:
        try:
            check_dag(context().database, item.definition, planned)
        except InvalidDag as exc:
            faults += [_below(f"/definitions/{ids[item.definition.dag_id]}", problem) for problem in exc.problems]
    if bundle is not None:
        for dag_id, (name, _) in bundles_of(context().database, list(ids)).items():
            problem = bundle_problem(dag_id, name, bundle)
            if problem is not None:
                faults.append(_below(f"/definitions/{ids[dag_id]}", problem))
    if faults:
        raise InvalidDag(faults)
    return items


def _planned(items: Iterable[SentDefinition]) -> Mapping[str, frozenset[str]]:
    """DAG -> the DAGs for which its schedule waits."""
    return {item.definition.dag_id: upstream_dags(item.definition) for item in items}


def _below(at: str, problem: Problem) -> Problem:
    return Problem(
        pointer=at + problem.pointer,
        message=problem.message,
        line=problem.line,
        hint=problem.hint,
        code=problem.code,
    )


def _plan(
    dag_id: str,
    item: SentDefinition | None,
    version: Mapping[str, Any] | None,
    now: datetime,
    bundle: Bundle | None = None,
) -> dict[str, Any]:
    """A `DagPlan` without warnings; item: `None` = the DAG is removed."""
    old, new = stored_definition(version), None if item is None else item.definition
    callers = broken_callers(dag_id, old, new, now)
    documents = (None if old is None else old.document, None if new is None else new.document)
    return {
        "dag_id": dag_id,
        "action": _action(version, new, bundle),
        "base_version_number": None if version is None else version["version_number"],
        "bundle_name": None if version is None else version["bundle_name"],
        "content_hash": None if new is None else new.content_hash,
        "summary": "removed" if documents[1] is None else _summary(version, documents, bundle),
        "changes": [] if item is None else [change_body(change) for change in compare_definitions(*documents)],
        "incompatible": [] if old is None or new is None else incompatible_bodies(old.document, new.document),
        "warnings": [],
        "breaking": callers.named,
        "hidden_breaking": callers.hidden,
        **planned_runs(dag_id, old, new, now),
        **in_flight(dag_id),
    }


def _action(version: Mapping[str, Any] | None, new: Definition | None, bundle: Bundle | None) -> PlanAction:
    if new is None:
        return PlanAction.REMOVE
    if version is None:
        return PlanAction.CREATE
    is_changed = version["content_hash"] != new.content_hash or bool(_adoption(version, bundle))
    return PlanAction.CHANGE if is_changed else PlanAction.UNCHANGED


def _adoption(version: Mapping[str, Any], bundle: Bundle | None) -> list[str]:
    """What a save would change of a DAG beside its definition, in words."""
    words = ["no longer stale"] if version["is_stale"] else []
    if bundle is not None and bundle.name != version["bundle_name"]:
        words.append(f"bundle: {version['bundle_name'] or 'none'} -> {bundle.name}")
    return words


def _summary(version: Mapping[str, Any] | None, documents: Sequence[Any], bundle: Bundle | None) -> str:
    summary = summarise(*documents)
    words = [] if version is None else _adoption(version, bundle)
    if words and version is not None and not compare_definitions(*documents):
        return "; ".join(words)
    return "; ".join([summary, *words])


def _digest_of_bodies(items: Sequence[SentDefinition], bundle: Bundle | None) -> str:
    facts = sorted((item.definition.dag_id, hashlib.sha256(item.source.text).hexdigest()) for item in items)
    named = None if bundle is None else (bundle.name, bundle.takes_over)
    return hashlib.sha256(orjson.dumps([named, facts])).hexdigest()


def _digest_of_bases(dag_ids: Sequence[str], versions: Mapping[str, Mapping[str, Any]]) -> str:
    """The facts of each stored DAG in a plan: version, bundle, and whether runs start."""
    facts = [
        (dag_id, [versions[dag_id][name] for name in _BASE_FIELDS] if dag_id in versions else None)
        for dag_id in sorted(dag_ids)
    ]
    return hashlib.sha256(orjson.dumps(facts)).hexdigest()


def _claims(token: str, bodies: str, now: datetime) -> Mapping[str, Any]:
    """The content of a plan token; bodies: the digest of the definitions to save.

    Raises:
        InvalidInput: The token is not ours, belongs to another principal, or is the plan of other definitions.
        PreconditionFailed: The token has expired.
    """
    try:
        claims: Mapping[str, Any] = context().signer.loads(token, salt=_SALT)
    except BadSignature:
        raise _bad_token("is no token of a plan of this server") from None
    if claims["principal"] != g.user.id:
        raise _bad_token("belongs to another user's plan; make a plan of your own")
    if claims["bodies"] != bodies:
        raise _bad_token("is the plan of other definitions; plan these")
    if claims["expires"] <= now.timestamp():
        raise PreconditionFailed("the plan is older than 15 minutes; make a new one")
    return claims


def _bad_token(message: str) -> InvalidInput:
    return InvalidInput([Problem(pointer="/plan_token", message=message, code="invalid_plan_token")])


def _use_token(connection: Connection, token: str, now: datetime) -> None:
    """Mark a token as used in the transaction of the save. Tokens share the table of idempotency keys."""
    key_hash = hashlib.sha256(f"plan {token}".encode()).hexdigest()
    call = Call(principal_id=g.user.id, key_hash=key_hash, fingerprint=key_hash, now=now)
    try:
        claim_key(connection, call)
    except AlreadyAnswered:
        raise PreconditionFailed("the plan was carried out already; make a new one") from None
    used = StoredResponse(fingerprint=key_hash, status=200, media_type=JSON, body=b"", is_sealed=False)
    store_response(connection, call, used)


def _lock(connection: Connection, items: Sequence[SentDefinition]) -> None:
    for dag_id in sorted(item.definition.dag_id for item in items):
        lock_dag(connection, dag_id)


def _check_bases(claims: Mapping[str, Any], items: Sequence[SentDefinition]) -> None:
    """Raises PreconditionFailed when a DAG, whose row is locked, is not as the plan found it."""
    ids = [item.definition.dag_id for item in items]
    if claims["bases"] != _digest_of_bases(ids, current_versions(context().database, ids)):
        raise PreconditionFailed("a DAG was changed since the plan; nothing was saved, make a new plan")


def _save(
    item: SentDefinition,
    message: str | None,
    bundle: Bundle | None,
    *,
    has_plan: bool,
    planned: Mapping[str, frozenset[str]],
    now: datetime,
) -> Saved:
    """Save one definition; with a plan, a DAG that another request created at this moment is refused."""
    ctx, dag_id = context(), item.definition.dag_id
    version = current_versions(ctx.database, [dag_id]).get(dag_id) if has_plan else None
    expected = None
    if has_plan:
        expected = Expected(
            content_hash=None if version is None else version["content_hash"],
            source=None if version is None else version["source"],
        )
    return save_dag(
        ctx.database,
        item.definition,
        by=g.user.name,
        owner=current_owner(),
        source=item.source,
        message=message,
        bundle=bundle,
        expected=expected,
        planned=planned,
        now=now,
    )


def _foresee(items: Sequence[SentDefinition], planned_at: datetime | None, now: datetime) -> list[DueSlots]:
    """The due slots of each definition, once it is saved."""
    versions = current_versions(context().database, [item.definition.dag_id for item in items])
    return [
        foresee_due_slots(item.definition, versions.get(item.definition.dag_id), planned_at=planned_at, now=now)
        for item in items
    ]


def _saved_body(
    item: SentDefinition, saved: Saved, due: Sequence[datetime], warnings: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    action = PlanAction.CREATE if saved.is_new_dag else PlanAction.CHANGE
    return {
        "dag_id": item.definition.dag_id,
        "action": action if saved.is_new_version or saved.is_adopted else PlanAction.UNCHANGED,
        "version_number": saved.version_number,
        "due_slots": due,
        "warnings": warnings,
    }
