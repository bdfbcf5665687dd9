"""What each operation needs, written down apart from the code, so that neither changes unseen.

Over: `dag` = the DAG of the path; `dags` = the same, or any DAG, narrowed to those that are seen; `all` = everything;
`self` = nothing. A route that is not here fails the test.
"""

from collections.abc import Mapping

__all__ = ["NEEDED", "PUBLIC"]

PUBLIC = {
    *("get_docs", "get_openapi", "get_problem", "get_health", "get_ready", "get_version"),
    *("create_token", "create_token_cli", "create_session", "refuse_v1"),
    *("begin_oidc_login", "finish_oidc_login", "exchange_token"),
    *("get_root", "get_file", "get_page", "get_ui_config"),
    "deliver_to_hook",
}

_TABLE = """
viewer self  get_idempotency_key get_me put_my_password get_tokens post_token delete_token
viewer self  delete_current_session get_sessions delete_session create_session_code
viewer self  get_import_errors list_dag_warnings get_plugins import_errors get_providers
viewer self  get_assets get_asset_aliases get_asset_events
viewer self  get_webhooks post_webhook get_webhook patch_webhook delete_webhook get_webhook_key rotate_webhook_secret
viewer self  test_webhook get_webhook_deliveries redeliver_webhook
viewer dag   get_dag_openapi
operator dag change_dag_run_version
viewer dags  get_dags validate_dag get_dag_versions get_dag_runs get_task_instances get_xcom_entries get_approvals
viewer dags  get_hitl_details get_events
viewer dags  get_home get_summary get_activity get_upcoming get_upcoming_days get_dag_overview search
viewer dags  get_dag_run_states get_list_dag_runs_batch get_task_instances_batch
viewer dags  list_backfills create_backfill_dry_run get_dag_tags get_dag_stats
viewer dag   get_calendar get_grid get_timeline get_log_lines search_log get_log_marks
viewer dag   get_dag get_dag_details get_dag_definition get_dag_version get_dag_schedule get_tasks get_task
viewer dag   get_dag_run wait_dag_run_until_finished get_task_instance get_mapped_task_instances
viewer dag   get_mapped_task_instance get_task_instance_tries get_mapped_task_instance_tries
viewer dag   get_task_instance_try_details get_mapped_task_instance_try_details get_log get_xcom_entry
viewer dag   get_task_instance_dependencies get_task_instance_dependencies_by_map_index
viewer dag   get_dag_run_events explain_task_instance explain_dag_run explain_dag get_dag_version_diff
viewer dag   get_dag_run_junit_report get_dag_run_log get_backfill get_backfill_dag_runs get_dag_source get_extra_links
viewer dag   get_upstream_asset_events get_hitl_detail get_signals
author dags  get_notifiers get_notifier
admin all    post_notifier patch_notifier delete_notifier test_notifier get_notifier_deliveries redeliver_notifier
viewer all   get_pools get_pool get_variables get_variable get_jobs get_workers get_metrics
operator dags trigger_dag_runs create_backfill patch_dags
operator dag patch_dag trigger_dag_run patch_dag_run delete_dag_run clear_dag_run
operator dag post_clear_task_instances answer_approval bulk_dag_runs clear_dag_runs bulk_task_instances
operator dag update_hitl_detail send_signal
operator dag delete_task_instance create_xcom_entry update_xcom_entry delete_xcom_entry
operator dag patch_task_instance patch_task_instance_by_map_index patch_task_instance_dry_run
operator dag patch_task_instance_dry_run_by_map_index
operator dag pause_backfill unpause_backfill cancel_backfill
operator dag pause_backfill_by_post unpause_backfill_by_post cancel_backfill_by_post
author dag   put_dag delete_dag restore_dag_version
author dags  plan_dags put_dags prune_dags run_definition
author dags  get_hooks post_hook get_hook patch_hook delete_hook rotate_hook get_hook_deliveries
author all   post_pool patch_pool delete_pool bulk_pools post_variable patch_variable delete_variable bulk_variables
author all   get_connections get_connection post_connection patch_connection delete_connection bulk_connections
author all   get_secrets get_secret put_secret delete_secret
admin all    get_users get_user post_user patch_user delete_user get_event_logs get_event_log
"""

NEEDED: Mapping[str, tuple[str, str]] = {
    operation: (role, over)
    for role, over, *operations in (line.split() for line in _TABLE.strip().splitlines())
    for operation in operations
}
"""Operation id -> role, over."""
