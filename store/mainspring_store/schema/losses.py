"""What a step down to the schema before would delete for good."""

from collections.abc import Mapping, Sequence

__all__ = ["LOSSES"]

_Loss = tuple[str, str]
"""What is lost, and the statement that counts the rows."""

LOSSES: Mapping[str, Sequence[_Loss]] = {
    "0002": (),
    "0003": (
        ("DAGs that count for the quota of a user", "SELECT count(*) FROM dag WHERE principal_id IS NOT NULL"),
        ("runs that count for the quota of a user", "SELECT count(*) FROM dag_run WHERE principal_id IS NOT NULL"),
    ),
    # A client logs in once more.
    "0004": (),
    "0005": (),
    "0006": (("tokens that are bound to a queue", "SELECT count(*) FROM api_token WHERE queue IS NOT NULL"),),
    "0007": (("outages of schedulers, which explanations name", "SELECT count(*) FROM scheduler_outage"),),
    "0008": (("versions of DAGs with the text as sent", "SELECT count(*) FROM dag_version WHERE source IS NOT NULL"),),
    # A browser logs in once more.
    "0009": (),
    "0010": (
        ("events that are about no change of a run", "SELECT count(*) FROM feed_event WHERE seq IS NULL OR seq = 0"),
    ),
    "0011": (("deadlines of runs and tasks", "SELECT count(*) FROM deadline"),),
    "0012": (
        ("run ids and logical dates of deleted runs", "SELECT count(*) FROM pruned_run"),
        ("runs that are kept for ever", "SELECT count(*) FROM dag_run WHERE keep"),
        ("DAGs with a retention of their own", "SELECT count(*) FROM dag WHERE retention IS NOT NULL"),
    ),
    "0013": (("who paused a DAG, and when", "SELECT count(*) FROM dag WHERE paused_at IS NOT NULL"),),
    # A code of a sign-in link is valid for ten minutes.
    "0014": (),
    "0015": (("webhooks, notifiers and callbacks", "SELECT count(*) FROM receiver"),),
    # The logs are unpacked.
    "0016": (),
    "0017": (
        ("hooks", "SELECT count(*) FROM hook"),
        ("deliveries to hooks", "SELECT count(*) FROM hook_delivery"),
    ),
    # Totals may begin at zero again: what reads counters expects that.
    "0018": (),
    "0019": (("bundles of DAGs", "SELECT count(*) FROM dag WHERE bundle_name IS NOT NULL OR is_stale"),),
    "0020": (
        ("DAGs that only ran definitions that were not saved", "SELECT count(*) FROM dag WHERE version_id = 0"),
        ("marks of definitions that were not saved", "SELECT count(*) FROM dag_version WHERE is_inline"),
    ),
    "0021": (("parts of logs outside the database", "SELECT count(*) FROM task_log WHERE object_key IS NOT NULL"),),
    # Runs that are under way end without a trace.
    "0022": (),
    "0023": (("runs that wait for their handlers", "SELECT count(*) FROM dag_run WHERE ending IS NOT NULL"),),
    "0024": (("outputs that are kept by reference", "SELECT count(*) FROM xcom WHERE large_id IS NOT NULL"),),
    # They stay as users without a password.
    "0025": (("users of an identity provider or of the exchange", "SELECT count(*) FROM user_identity"),),
    "0026": (("keys of mapped instances", "SELECT count(*) FROM task_instance WHERE map_key IS NOT NULL"),),
    # Runs that ends of other runs made stay as runs of a trigger.
    "0027": (
        ("DAGs whose schedule waits for other DAGs", "SELECT count(DISTINCT dag_id) FROM awaited_dag"),
        ("what made a run", "SELECT count(*) FROM dag_run WHERE sources IS NOT NULL"),
    ),
    "0028": (("concurrency keys of runs", "SELECT count(*) FROM dag_run WHERE concurrency_key IS NOT NULL"),),
    "0029": (("pauses of runs", "SELECT count(*) FROM dag_run WHERE is_paused"),),
    # Loops under way begin again at their first turn.
    "0030": (("turns of tries, with their outputs", "SELECT count(*) FROM task_try WHERE turn IS NOT NULL"),),
    "0031": (("signals sent to runs", "SELECT count(*) FROM run_signal"),),
    "0032": (("priorities of runs", "SELECT count(*) FROM dag_run WHERE priority <> 0"),),
    "0033": (("debounced runs", "SELECT count(*) FROM dag_run WHERE debounce_key IS NOT NULL"),),
}
"""Revision -> what the step down from it deletes, if there are such rows. Empty = the step deletes nothing for good."""
