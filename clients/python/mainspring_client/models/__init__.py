"""The objects that are sent and answered. Each is imported when it is first asked for."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .access_token import AccessToken
    from .activity import Activity
    from .addresses import Addresses
    from .answered_key import AnsweredKey
    from .answering_role import AnsweringRole
    from .api_token import ApiToken
    from .api_token_body import ApiTokenBody
    from .api_token_collection import ApiTokenCollection
    from .api_token_kind import ApiTokenKind
    from .approval import Approval
    from .approval_answer import ApprovalAnswer
    from .approval_answer_body import ApprovalAnswerBody
    from .approval_collection import ApprovalCollection
    from .approval_task import ApprovalTask
    from .approval_task_params import ApprovalTaskParams
    from .assigned_answerers import AssignedAnswerers
    from .attempt_state import AttemptState
    from .attention_item import AttentionItem
    from .backfill import Backfill
    from .backfill_body import BackfillBody
    from .backfill_collection import BackfillCollection
    from .backfill_progress import BackfillProgress
    from .backfill_slot import BackfillSlot
    from .backfill_state import BackfillState
    from .backfill_totals import BackfillTotals
    from .block_code import BlockCode
    from .branch_task import BranchTask
    from .broken_caller import BrokenCaller
    from .broken_caller_kind import BrokenCallerKind
    from .browser_session import BrowserSession
    from .browser_session_collection import BrowserSessionCollection
    from .bulk_action import BulkAction
    from .bulk_action_action import BulkActionAction
    from .bulk_action_action_on_existence import BulkActionActionOnExistence
    from .bulk_action_action_on_non_existence import BulkActionActionOnNonExistence
    from .bulk_answer import BulkAnswer
    from .bulk_body import BulkBody
    from .bulk_result import BulkResult
    from .bulk_run import BulkRun
    from .bulk_run_state_type_0 import BulkRunStateType0
    from .calendar import Calendar
    from .callable_check import CallableCheck
    from .callback_body import CallbackBody
    from .carried_attempt import CarriedAttempt
    from .catchup import Catchup
    from .change_kind import ChangeKind
    from .change_op import ChangeOp
    from .clear_body import ClearBody
    from .clear_run_body import ClearRunBody
    from .clear_runs_body import ClearRunsBody
    from .command_check import CommandCheck
    from .compared_form import ComparedForm
    from .concurrency import Concurrency
    from .concurrency_strategy import ConcurrencyStrategy
    from .connection import Connection
    from .connection_body import ConnectionBody
    from .connection_collection import ConnectionCollection
    from .connection_patch_body import ConnectionPatchBody
    from .create_backfill_dry_run_slots import CreateBackfillDryRunSlots
    from .created_api_token import CreatedApiToken
    from .created_api_token_kind import CreatedApiTokenKind
    from .created_hook import CreatedHook
    from .created_webhook import CreatedWebhook
    from .created_webhook_state import CreatedWebhookState
    from .current_version import CurrentVersion
    from .dag import Dag
    from .dag_collection import DagCollection
    from .dag_details import DagDetails
    from .dag_document import DagDocument
    from .dag_overview_collection import DagOverviewCollection
    from .dag_overview_row import DagOverviewRow
    from .dag_patch import DagPatch
    from .dag_plan import DagPlan
    from .dag_run import DagRun
    from .dag_run_collection import DagRunCollection
    from .dag_run_state import DagRunState
    from .dag_run_type import DagRunType
    from .dag_runs_batch_body import DagRunsBatchBody
    from .dag_runs_batch_body_states_type_0_item_type_0 import (
        DagRunsBatchBodyStatesType0ItemType0,
    )
    from .dag_source import DagSource
    from .dag_stats import DagStats
    from .dag_stats_collection import DagStatsCollection
    from .dag_stats_state import DagStatsState
    from .dag_tag import DagTag
    from .dag_tag_collection import DagTagCollection
    from .dag_task import DagTask
    from .dag_version import DagVersion
    from .dag_version_collection import DagVersionCollection
    from .dag_version_details import DagVersionDetails
    from .dag_version_diff import DagVersionDiff
    from .dags_body import DagsBody
    from .database_health import DatabaseHealth
    from .deadline import Deadline
    from .deadline_action import DeadlineAction
    from .deadline_anchor import DeadlineAnchor
    from .debounce import Debounce
    from .default_args import DefaultArgs
    from .definition import Definition
    from .definition_catchup_type_1 import DefinitionCatchupType1
    from .definition_change import DefinitionChange
    from .definition_check import DefinitionCheck
    from .definition_form import DefinitionForm
    from .definition_incompatibility import DefinitionIncompatibility
    from .definition_params import DefinitionParams
    from .definition_warning import DefinitionWarning
    from .delivery import Delivery
    from .delivery_collection import DeliveryCollection
    from .delivery_outcome import DeliveryOutcome
    from .delivery_ref import DeliveryRef
    from .delivery_state import DeliveryState
    from .dropped_time import DroppedTime
    from .dry_run_backfill import DryRunBackfill
    from .dry_run_backfill_collection import DryRunBackfillCollection
    from .dst_rules import DstRules
    from .environment import Environment
    from .error_item import ErrorItem
    from .event import Event
    from .event_collection import EventCollection
    from .event_data import EventData
    from .event_feed_health import EventFeedHealth
    from .event_kind import EventKind
    from .event_log import EventLog
    from .event_log_collection import EventLogCollection
    from .exchange_body import ExchangeBody
    from .exchange_body_requested_token_type import ExchangeBodyRequestedTokenType
    from .exchange_body_subject_token_type import ExchangeBodySubjectTokenType
    from .exchanged_token import ExchangedToken
    from .execution_api_health import ExecutionApiHealth
    from .expand import Expand
    from .extra_link_collection import ExtraLinkCollection
    from .failed_task import FailedTask
    from .file_check import FileCheck
    from .gap_rule import GapRule
    from .get_asset_aliases import GetAssetAliases
    from .get_asset_events import GetAssetEvents
    from .get_assets import GetAssets
    from .get_backfill_dag_runs_run_type_item import GetBackfillDagRunsRunTypeItem
    from .get_backfill_dag_runs_state_item import GetBackfillDagRunsStateItem
    from .get_dag_overview_dag_run_state_item import GetDagOverviewDagRunStateItem
    from .get_dag_overview_tags_match_mode import GetDagOverviewTagsMatchMode
    from .get_dag_runs_run_type_item import GetDagRunsRunTypeItem
    from .get_dag_runs_state_item import GetDagRunsStateItem
    from .get_dags_dag_run_state_item import GetDagsDagRunStateItem
    from .get_dags_tags_match_mode import GetDagsTagsMatchMode
    from .get_event_logs_outcome_item import GetEventLogsOutcomeItem
    from .get_events_types_item import GetEventsTypesItem
    from .get_hitl_details_state_item import GetHitlDetailsStateItem
    from .get_home_dag_run_state_item import GetHomeDagRunStateItem
    from .get_home_tags_match_mode import GetHomeTagsMatchMode
    from .get_import_errors import GetImportErrors
    from .get_mapped_task_instances_state_item import GetMappedTaskInstancesStateItem
    from .get_notifier_deliveries_state_item import GetNotifierDeliveriesStateItem
    from .get_notifier_deliveries_type_item import GetNotifierDeliveriesTypeItem
    from .get_notifiers_state_item import GetNotifiersStateItem
    from .get_plugins import GetPlugins
    from .get_providers import GetProviders
    from .get_task_instances_state_item import GetTaskInstancesStateItem
    from .get_webhook_deliveries_state_item import GetWebhookDeliveriesStateItem
    from .get_webhook_deliveries_type_item import GetWebhookDeliveriesTypeItem
    from .get_webhooks_state_item import GetWebhooksStateItem
    from .grant import Grant
    from .grant_body import GrantBody
    from .grant_body_role import GrantBodyRole
    from .grid import Grid
    from .grid_column import GridColumn
    from .grid_task import GridTask
    from .health import Health
    from .hitl_answer import HitlAnswer
    from .hitl_answer_body import HitlAnswerBody
    from .hitl_detail import HitlDetail
    from .hitl_detail_collection import HitlDetailCollection
    from .hitl_user import HitlUser
    from .home import Home
    from .hook import Hook
    from .hook_answer import HookAnswer
    from .hook_answer_outcome import HookAnswerOutcome
    from .hook_body import HookBody
    from .hook_collection import HookCollection
    from .hook_delivery import HookDelivery
    from .hook_delivery_collection import HookDeliveryCollection
    from .hook_kind import HookKind
    from .hook_patch import HookPatch
    from .hook_rotation import HookRotation
    from .http_headers import HttpHeaders
    from .http_method import HttpMethod
    from .http_query import HttpQuery
    from .http_request import HttpRequest
    from .http_task import HttpTask
    from .import_errors import ImportErrors
    from .inline_run_body import InlineRunBody
    from .inline_run_body_media_type import InlineRunBodyMediaType
    from .instance_explanation import InstanceExplanation
    from .instance_patch import InstancePatch
    from .job import Job
    from .job_collection import JobCollection
    from .json_object import JsonObject
    from .keyword_arguments import KeywordArguments
    from .large_value_fields import LargeValueFields
    from .large_value_fields_kind import LargeValueFieldsKind
    from .limit_holder import LimitHolder
    from .list_dag_warnings import ListDagWarnings
    from .log_line import LogLine
    from .log_lines import LogLines
    from .log_marks import LogMarks
    from .log_search import LogSearch
    from .log_store_health import LogStoreHealth
    from .login_body import LoginBody
    from .match_rule import MatchRule
    from .me import Me
    from .named_run_state import NamedRunState
    from .named_trigger_body import NamedTriggerBody
    from .next_run import NextRun
    from .next_runs import NextRuns
    from .noop_task import NoopTask
    from .notifier import Notifier
    from .notifier_body import NotifierBody
    from .notifier_body_state import NotifierBodyState
    from .notifier_collection import NotifierCollection
    from .notifier_patch_body import NotifierPatchBody
    from .notifier_patch_body_state import NotifierPatchBodyState
    from .notifier_state import NotifierState
    from .notify_on import NotifyOn
    from .notify_rule import NotifyRule
    from .open_api_document import OpenApiDocument
    from .outcome import Outcome
    from .output_schemas import OutputSchemas
    from .outputs import Outputs
    from .overlap_rule import OverlapRule
    from .parent_task import ParentTask
    from .password_change import PasswordChange
    from .patch_dags_dag_run_state_item import PatchDagsDagRunStateItem
    from .patch_dags_tags_match_mode import PatchDagsTagsMatchMode
    from .plan import Plan
    from .plan_action import PlanAction
    from .plan_body import PlanBody
    from .planned_definition import PlannedDefinition
    from .planned_definition_media_type import PlannedDefinitionMediaType
    from .planned_run import PlannedRun
    from .pool import Pool
    from .pool_body import PoolBody
    from .pool_collection import PoolCollection
    from .pool_patch_body import PoolPatchBody
    from .problem import Problem
    from .problem_detail_type_1 import ProblemDetailType1
    from .problem_detail_type_2_item import ProblemDetailType2Item
    from .prune_body import PruneBody
    from .pruned_dags import PrunedDags
    from .python_task import PythonTask
    from .readiness import Readiness
    from .repeat import Repeat
    from .reprocess_behavior import ReprocessBehavior
    from .restore_body import RestoreBody
    from .retention import Retention
    from .retry_action import RetryAction
    from .retry_rule import RetryRule
    from .rights import Rights
    from .role import Role
    from .rotate_body import RotateBody
    from .rotated_secret import RotatedSecret
    from .run_explanation import RunExplanation
    from .run_handler import RunHandler
    from .run_in_flight import RunInFlight
    from .run_name import RunName
    from .run_patch import RunPatch
    from .run_patch_state_type_0 import RunPatchStateType0
    from .run_source import RunSource
    from .run_source_state import RunSourceState
    from .run_state_rule import RunStateRule
    from .run_states import RunStates
    from .run_states_body import RunStatesBody
    from .run_version_body import RunVersionBody
    from .satisfied_cause import SatisfiedCause
    from .saved_dag import SavedDag
    from .saved_dag_details import SavedDagDetails
    from .saved_dags import SavedDags
    from .schedule import Schedule
    from .schedule_alias import ScheduleAlias
    from .schedule_calendar import ScheduleCalendar
    from .schedule_parts import ScheduleParts
    from .schedule_preview import SchedulePreview
    from .scheduler_health import SchedulerHealth
    from .scheduler_health_refused_starts import SchedulerHealthRefusedStarts
    from .search_hit import SearchHit
    from .search_kinds_item import SearchKindsItem
    from .search_result import SearchResult
    from .secret import Secret
    from .secret_body import SecretBody
    from .secret_collection import SecretCollection
    from .secret_reference import SecretReference
    from .security_facts import SecurityFacts
    from .service_state import ServiceState
    from .session_body import SessionBody
    from .session_code import SessionCode
    from .setup_teardown_type import SetupTeardownType
    from .shell_task import ShellTask
    from .signal import Signal
    from .signal_body import SignalBody
    from .signal_collection import SignalCollection
    from .state_reason import StateReason
    from .summary import Summary
    from .summary_counts import SummaryCounts
    from .task_collection import TaskCollection
    from .task_definition import TaskDefinition
    from .task_dependency import TaskDependency
    from .task_dependency_collection import TaskDependencyCollection
    from .task_group import TaskGroup
    from .task_groups import TaskGroups
    from .task_instance import TaskInstance
    from .task_instance_collection import TaskInstanceCollection
    from .task_instance_state import TaskInstanceState
    from .task_instances_batch_body import TaskInstancesBatchBody
    from .task_instances_batch_body_state_type_0_item_type_0 import (
        TaskInstancesBatchBodyStateType0ItemType0,
    )
    from .task_instances_log import TaskInstancesLog
    from .task_try import TaskTry
    from .task_try_collection import TaskTryCollection
    from .tasks import Tasks
    from .teardown import Teardown
    from .telling_line import TellingLine
    from .time_delta import TimeDelta
    from .timeline import Timeline
    from .timeline_medians import TimelineMedians
    from .timeline_row import TimelineRow
    from .timeline_row_counts_type_0 import TimelineRowCountsType0
    from .trigger_body import TriggerBody
    from .trigger_plan import TriggerPlan
    from .trigger_rule import TriggerRule
    from .triggered_run import TriggeredRun
    from .triggered_runs import TriggeredRuns
    from .triggerer_health import TriggererHealth
    from .triggers_body import TriggersBody
    from .ui_config import UiConfig
    from .upcoming import Upcoming
    from .upcoming_days import UpcomingDays
    from .upcoming_run import UpcomingRun
    from .upstream_asset_event_collection import UpstreamAssetEventCollection
    from .upstream_dag import UpstreamDag
    from .upstream_end import UpstreamEnd
    from .user import User
    from .user_body import UserBody
    from .user_collection import UserCollection
    from .user_patch import UserPatch
    from .values import Values
    from .variable import Variable
    from .variable_body import VariableBody
    from .variable_collection import VariableCollection
    from .variable_patch_body import VariablePatchBody
    from .version import Version
    from .wait_blocker import WaitBlocker
    from .wait_explanation import WaitExplanation
    from .wait_result import WaitResult
    from .wait_task import WaitTask
    from .webhook import Webhook
    from .webhook_body import WebhookBody
    from .webhook_body_state import WebhookBodyState
    from .webhook_body_types_item import WebhookBodyTypesItem
    from .webhook_collection import WebhookCollection
    from .webhook_key import WebhookKey
    from .webhook_patch_body import WebhookPatchBody
    from .webhook_patch_body_state import WebhookPatchBodyState
    from .webhook_patch_body_types_item import WebhookPatchBodyTypesItem
    from .webhook_state import WebhookState
    from .weight_rule import WeightRule
    from .worker import Worker
    from .worker_collection import WorkerCollection
    from .worker_health import WorkerHealth
    from .worker_health_refused_starts import WorkerHealthRefusedStarts
    from .worker_status import WorkerStatus
    from .x_com import XCom
    from .x_com_collection import XComCollection
    from .x_com_create_body import XComCreateBody
    from .x_com_update_body import XComUpdateBody
    from .x_com_with_value import XComWithValue

_MODULES = {
    "AccessToken": ".access_token",
    "Activity": ".activity",
    "Addresses": ".addresses",
    "AnsweredKey": ".answered_key",
    "AnsweringRole": ".answering_role",
    "ApiToken": ".api_token",
    "ApiTokenBody": ".api_token_body",
    "ApiTokenCollection": ".api_token_collection",
    "ApiTokenKind": ".api_token_kind",
    "Approval": ".approval",
    "ApprovalAnswer": ".approval_answer",
    "ApprovalAnswerBody": ".approval_answer_body",
    "ApprovalCollection": ".approval_collection",
    "ApprovalTask": ".approval_task",
    "ApprovalTaskParams": ".approval_task_params",
    "AssignedAnswerers": ".assigned_answerers",
    "AttemptState": ".attempt_state",
    "AttentionItem": ".attention_item",
    "Backfill": ".backfill",
    "BackfillBody": ".backfill_body",
    "BackfillCollection": ".backfill_collection",
    "BackfillProgress": ".backfill_progress",
    "BackfillSlot": ".backfill_slot",
    "BackfillState": ".backfill_state",
    "BackfillTotals": ".backfill_totals",
    "BlockCode": ".block_code",
    "BranchTask": ".branch_task",
    "BrokenCaller": ".broken_caller",
    "BrokenCallerKind": ".broken_caller_kind",
    "BrowserSession": ".browser_session",
    "BrowserSessionCollection": ".browser_session_collection",
    "BulkAction": ".bulk_action",
    "BulkActionAction": ".bulk_action_action",
    "BulkActionActionOnExistence": ".bulk_action_action_on_existence",
    "BulkActionActionOnNonExistence": ".bulk_action_action_on_non_existence",
    "BulkAnswer": ".bulk_answer",
    "BulkBody": ".bulk_body",
    "BulkResult": ".bulk_result",
    "BulkRun": ".bulk_run",
    "BulkRunStateType0": ".bulk_run_state_type_0",
    "Calendar": ".calendar",
    "CallableCheck": ".callable_check",
    "CallbackBody": ".callback_body",
    "CarriedAttempt": ".carried_attempt",
    "Catchup": ".catchup",
    "ChangeKind": ".change_kind",
    "ChangeOp": ".change_op",
    "ClearBody": ".clear_body",
    "ClearRunBody": ".clear_run_body",
    "ClearRunsBody": ".clear_runs_body",
    "CommandCheck": ".command_check",
    "ComparedForm": ".compared_form",
    "Concurrency": ".concurrency",
    "ConcurrencyStrategy": ".concurrency_strategy",
    "Connection": ".connection",
    "ConnectionBody": ".connection_body",
    "ConnectionCollection": ".connection_collection",
    "ConnectionPatchBody": ".connection_patch_body",
    "CreateBackfillDryRunSlots": ".create_backfill_dry_run_slots",
    "CreatedApiToken": ".created_api_token",
    "CreatedApiTokenKind": ".created_api_token_kind",
    "CreatedHook": ".created_hook",
    "CreatedWebhook": ".created_webhook",
    "CreatedWebhookState": ".created_webhook_state",
    "CurrentVersion": ".current_version",
    "Dag": ".dag",
    "DagCollection": ".dag_collection",
    "DagDetails": ".dag_details",
    "DagDocument": ".dag_document",
    "DagOverviewCollection": ".dag_overview_collection",
    "DagOverviewRow": ".dag_overview_row",
    "DagPatch": ".dag_patch",
    "DagPlan": ".dag_plan",
    "DagRun": ".dag_run",
    "DagRunCollection": ".dag_run_collection",
    "DagRunState": ".dag_run_state",
    "DagRunType": ".dag_run_type",
    "DagRunsBatchBody": ".dag_runs_batch_body",
    "DagRunsBatchBodyStatesType0ItemType0": ".dag_runs_batch_body_states_type_0_item_type_0",
    "DagSource": ".dag_source",
    "DagStats": ".dag_stats",
    "DagStatsCollection": ".dag_stats_collection",
    "DagStatsState": ".dag_stats_state",
    "DagTag": ".dag_tag",
    "DagTagCollection": ".dag_tag_collection",
    "DagTask": ".dag_task",
    "DagVersion": ".dag_version",
    "DagVersionCollection": ".dag_version_collection",
    "DagVersionDetails": ".dag_version_details",
    "DagVersionDiff": ".dag_version_diff",
    "DagsBody": ".dags_body",
    "DatabaseHealth": ".database_health",
    "Deadline": ".deadline",
    "DeadlineAction": ".deadline_action",
    "DeadlineAnchor": ".deadline_anchor",
    "Debounce": ".debounce",
    "DefaultArgs": ".default_args",
    "Definition": ".definition",
    "DefinitionCatchupType1": ".definition_catchup_type_1",
    "DefinitionChange": ".definition_change",
    "DefinitionCheck": ".definition_check",
    "DefinitionForm": ".definition_form",
    "DefinitionIncompatibility": ".definition_incompatibility",
    "DefinitionParams": ".definition_params",
    "DefinitionWarning": ".definition_warning",
    "Delivery": ".delivery",
    "DeliveryCollection": ".delivery_collection",
    "DeliveryOutcome": ".delivery_outcome",
    "DeliveryRef": ".delivery_ref",
    "DeliveryState": ".delivery_state",
    "DroppedTime": ".dropped_time",
    "DryRunBackfill": ".dry_run_backfill",
    "DryRunBackfillCollection": ".dry_run_backfill_collection",
    "DstRules": ".dst_rules",
    "Environment": ".environment",
    "ErrorItem": ".error_item",
    "Event": ".event",
    "EventCollection": ".event_collection",
    "EventData": ".event_data",
    "EventFeedHealth": ".event_feed_health",
    "EventKind": ".event_kind",
    "EventLog": ".event_log",
    "EventLogCollection": ".event_log_collection",
    "ExchangeBody": ".exchange_body",
    "ExchangeBodyRequestedTokenType": ".exchange_body_requested_token_type",
    "ExchangeBodySubjectTokenType": ".exchange_body_subject_token_type",
    "ExchangedToken": ".exchanged_token",
    "ExecutionApiHealth": ".execution_api_health",
    "Expand": ".expand",
    "ExtraLinkCollection": ".extra_link_collection",
    "FailedTask": ".failed_task",
    "FileCheck": ".file_check",
    "GapRule": ".gap_rule",
    "GetAssetAliases": ".get_asset_aliases",
    "GetAssetEvents": ".get_asset_events",
    "GetAssets": ".get_assets",
    "GetBackfillDagRunsRunTypeItem": ".get_backfill_dag_runs_run_type_item",
    "GetBackfillDagRunsStateItem": ".get_backfill_dag_runs_state_item",
    "GetDagOverviewDagRunStateItem": ".get_dag_overview_dag_run_state_item",
    "GetDagOverviewTagsMatchMode": ".get_dag_overview_tags_match_mode",
    "GetDagRunsRunTypeItem": ".get_dag_runs_run_type_item",
    "GetDagRunsStateItem": ".get_dag_runs_state_item",
    "GetDagsDagRunStateItem": ".get_dags_dag_run_state_item",
    "GetDagsTagsMatchMode": ".get_dags_tags_match_mode",
    "GetEventLogsOutcomeItem": ".get_event_logs_outcome_item",
    "GetEventsTypesItem": ".get_events_types_item",
    "GetHitlDetailsStateItem": ".get_hitl_details_state_item",
    "GetHomeDagRunStateItem": ".get_home_dag_run_state_item",
    "GetHomeTagsMatchMode": ".get_home_tags_match_mode",
    "GetImportErrors": ".get_import_errors",
    "GetMappedTaskInstancesStateItem": ".get_mapped_task_instances_state_item",
    "GetNotifierDeliveriesStateItem": ".get_notifier_deliveries_state_item",
    "GetNotifierDeliveriesTypeItem": ".get_notifier_deliveries_type_item",
    "GetNotifiersStateItem": ".get_notifiers_state_item",
    "GetPlugins": ".get_plugins",
    "GetProviders": ".get_providers",
    "GetTaskInstancesStateItem": ".get_task_instances_state_item",
    "GetWebhookDeliveriesStateItem": ".get_webhook_deliveries_state_item",
    "GetWebhookDeliveriesTypeItem": ".get_webhook_deliveries_type_item",
    "GetWebhooksStateItem": ".get_webhooks_state_item",
    "Grant": ".grant",
    "GrantBody": ".grant_body",
    "GrantBodyRole": ".grant_body_role",
    "Grid": ".grid",
    "GridColumn": ".grid_column",
    "GridTask": ".grid_task",
    "Health": ".health",
    "HitlAnswer": ".hitl_answer",
    "HitlAnswerBody": ".hitl_answer_body",
    "HitlDetail": ".hitl_detail",
    "HitlDetailCollection": ".hitl_detail_collection",
    "HitlUser": ".hitl_user",
    "Home": ".home",
    "Hook": ".hook",
    "HookAnswer": ".hook_answer",
    "HookAnswerOutcome": ".hook_answer_outcome",
    "HookBody": ".hook_body",
    "HookCollection": ".hook_collection",
    "HookDelivery": ".hook_delivery",
    "HookDeliveryCollection": ".hook_delivery_collection",
    "HookKind": ".hook_kind",
    "HookPatch": ".hook_patch",
    "HookRotation": ".hook_rotation",
    "HttpHeaders": ".http_headers",
    "HttpMethod": ".http_method",
    "HttpQuery": ".http_query",
    "HttpRequest": ".http_request",
    "HttpTask": ".http_task",
    "ImportErrors": ".import_errors",
    "InlineRunBody": ".inline_run_body",
    "InlineRunBodyMediaType": ".inline_run_body_media_type",
    "InstanceExplanation": ".instance_explanation",
    "InstancePatch": ".instance_patch",
    "Job": ".job",
    "JobCollection": ".job_collection",
    "JsonObject": ".json_object",
    "KeywordArguments": ".keyword_arguments",
    "LargeValueFields": ".large_value_fields",
    "LargeValueFieldsKind": ".large_value_fields_kind",
    "LimitHolder": ".limit_holder",
    "ListDagWarnings": ".list_dag_warnings",
    "LogLine": ".log_line",
    "LogLines": ".log_lines",
    "LogMarks": ".log_marks",
    "LogSearch": ".log_search",
    "LogStoreHealth": ".log_store_health",
    "LoginBody": ".login_body",
    "MatchRule": ".match_rule",
    "Me": ".me",
    "NamedRunState": ".named_run_state",
    "NamedTriggerBody": ".named_trigger_body",
    "NextRun": ".next_run",
    "NextRuns": ".next_runs",
    "NoopTask": ".noop_task",
    "Notifier": ".notifier",
    "NotifierBody": ".notifier_body",
    "NotifierBodyState": ".notifier_body_state",
    "NotifierCollection": ".notifier_collection",
    "NotifierPatchBody": ".notifier_patch_body",
    "NotifierPatchBodyState": ".notifier_patch_body_state",
    "NotifierState": ".notifier_state",
    "NotifyOn": ".notify_on",
    "NotifyRule": ".notify_rule",
    "OpenApiDocument": ".open_api_document",
    "Outcome": ".outcome",
    "OutputSchemas": ".output_schemas",
    "Outputs": ".outputs",
    "OverlapRule": ".overlap_rule",
    "ParentTask": ".parent_task",
    "PasswordChange": ".password_change",
    "PatchDagsDagRunStateItem": ".patch_dags_dag_run_state_item",
    "PatchDagsTagsMatchMode": ".patch_dags_tags_match_mode",
    "Plan": ".plan",
    "PlanAction": ".plan_action",
    "PlanBody": ".plan_body",
    "PlannedDefinition": ".planned_definition",
    "PlannedDefinitionMediaType": ".planned_definition_media_type",
    "PlannedRun": ".planned_run",
    "Pool": ".pool",
    "PoolBody": ".pool_body",
    "PoolCollection": ".pool_collection",
    "PoolPatchBody": ".pool_patch_body",
    "Problem": ".problem",
    "ProblemDetailType1": ".problem_detail_type_1",
    "ProblemDetailType2Item": ".problem_detail_type_2_item",
    "PruneBody": ".prune_body",
    "PrunedDags": ".pruned_dags",
    "PythonTask": ".python_task",
    "Readiness": ".readiness",
    "Repeat": ".repeat",
    "ReprocessBehavior": ".reprocess_behavior",
    "RestoreBody": ".restore_body",
    "Retention": ".retention",
    "RetryAction": ".retry_action",
    "RetryRule": ".retry_rule",
    "Rights": ".rights",
    "Role": ".role",
    "RotateBody": ".rotate_body",
    "RotatedSecret": ".rotated_secret",
    "RunExplanation": ".run_explanation",
    "RunHandler": ".run_handler",
    "RunInFlight": ".run_in_flight",
    "RunName": ".run_name",
    "RunPatch": ".run_patch",
    "RunPatchStateType0": ".run_patch_state_type_0",
    "RunSource": ".run_source",
    "RunSourceState": ".run_source_state",
    "RunStateRule": ".run_state_rule",
    "RunStates": ".run_states",
    "RunStatesBody": ".run_states_body",
    "RunVersionBody": ".run_version_body",
    "SatisfiedCause": ".satisfied_cause",
    "SavedDag": ".saved_dag",
    "SavedDagDetails": ".saved_dag_details",
    "SavedDags": ".saved_dags",
    "Schedule": ".schedule",
    "ScheduleAlias": ".schedule_alias",
    "ScheduleCalendar": ".schedule_calendar",
    "ScheduleParts": ".schedule_parts",
    "SchedulePreview": ".schedule_preview",
    "SchedulerHealth": ".scheduler_health",
    "SchedulerHealthRefusedStarts": ".scheduler_health_refused_starts",
    "SearchHit": ".search_hit",
    "SearchKindsItem": ".search_kinds_item",
    "SearchResult": ".search_result",
    "Secret": ".secret",
    "SecretBody": ".secret_body",
    "SecretCollection": ".secret_collection",
    "SecretReference": ".secret_reference",
    "SecurityFacts": ".security_facts",
    "ServiceState": ".service_state",
    "SessionBody": ".session_body",
    "SessionCode": ".session_code",
    "SetupTeardownType": ".setup_teardown_type",
    "ShellTask": ".shell_task",
    "Signal": ".signal",
    "SignalBody": ".signal_body",
    "SignalCollection": ".signal_collection",
    "StateReason": ".state_reason",
    "Summary": ".summary",
    "SummaryCounts": ".summary_counts",
    "TaskCollection": ".task_collection",
    "TaskDefinition": ".task_definition",
    "TaskDependency": ".task_dependency",
    "TaskDependencyCollection": ".task_dependency_collection",
    "TaskGroup": ".task_group",
    "TaskGroups": ".task_groups",
    "TaskInstance": ".task_instance",
    "TaskInstanceCollection": ".task_instance_collection",
    "TaskInstanceState": ".task_instance_state",
    "TaskInstancesBatchBody": ".task_instances_batch_body",
    "TaskInstancesBatchBodyStateType0ItemType0": ".task_instances_batch_body_state_type_0_item_type_0",
    "TaskInstancesLog": ".task_instances_log",
    "TaskTry": ".task_try",
    "TaskTryCollection": ".task_try_collection",
    "Tasks": ".tasks",
    "Teardown": ".teardown",
    "TellingLine": ".telling_line",
    "TimeDelta": ".time_delta",
    "Timeline": ".timeline",
    "TimelineMedians": ".timeline_medians",
    "TimelineRow": ".timeline_row",
    "TimelineRowCountsType0": ".timeline_row_counts_type_0",
    "TriggerBody": ".trigger_body",
    "TriggerPlan": ".trigger_plan",
    "TriggerRule": ".trigger_rule",
    "TriggeredRun": ".triggered_run",
    "TriggeredRuns": ".triggered_runs",
    "TriggererHealth": ".triggerer_health",
    "TriggersBody": ".triggers_body",
    "UiConfig": ".ui_config",
    "Upcoming": ".upcoming",
    "UpcomingDays": ".upcoming_days",
    "UpcomingRun": ".upcoming_run",
    "UpstreamAssetEventCollection": ".upstream_asset_event_collection",
    "UpstreamDag": ".upstream_dag",
    "UpstreamEnd": ".upstream_end",
    "User": ".user",
    "UserBody": ".user_body",
    "UserCollection": ".user_collection",
    "UserPatch": ".user_patch",
    "Values": ".values",
    "Variable": ".variable",
    "VariableBody": ".variable_body",
    "VariableCollection": ".variable_collection",
    "VariablePatchBody": ".variable_patch_body",
    "Version": ".version",
    "WaitBlocker": ".wait_blocker",
    "WaitExplanation": ".wait_explanation",
    "WaitResult": ".wait_result",
    "WaitTask": ".wait_task",
    "Webhook": ".webhook",
    "WebhookBody": ".webhook_body",
    "WebhookBodyState": ".webhook_body_state",
    "WebhookBodyTypesItem": ".webhook_body_types_item",
    "WebhookCollection": ".webhook_collection",
    "WebhookKey": ".webhook_key",
    "WebhookPatchBody": ".webhook_patch_body",
    "WebhookPatchBodyState": ".webhook_patch_body_state",
    "WebhookPatchBodyTypesItem": ".webhook_patch_body_types_item",
    "WebhookState": ".webhook_state",
    "WeightRule": ".weight_rule",
    "Worker": ".worker",
    "WorkerCollection": ".worker_collection",
    "WorkerHealth": ".worker_health",
    "WorkerHealthRefusedStarts": ".worker_health_refused_starts",
    "WorkerStatus": ".worker_status",
    "XCom": ".x_com",
    "XComCollection": ".x_com_collection",
    "XComCreateBody": ".x_com_create_body",
    "XComUpdateBody": ".x_com_update_body",
    "XComWithValue": ".x_com_with_value",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_MODULES[name], __name__), name)


def __dir__() -> list[str]:
    return sorted(_MODULES)


__all__ = (
    "AccessToken",
    "Activity",
    "Addresses",
    "AnsweredKey",
    "AnsweringRole",
    "ApiToken",
    "ApiTokenBody",
    "ApiTokenCollection",
    "ApiTokenKind",
    "Approval",
    "ApprovalAnswer",
    "ApprovalAnswerBody",
    "ApprovalCollection",
    "ApprovalTask",
    "ApprovalTaskParams",
    "AssignedAnswerers",
    "AttemptState",
    "AttentionItem",
    "Backfill",
    "BackfillBody",
    "BackfillCollection",
    "BackfillProgress",
    "BackfillSlot",
    "BackfillState",
    "BackfillTotals",
    "BlockCode",
    "BranchTask",
    "BrokenCaller",
    "BrokenCallerKind",
    "BrowserSession",
    "BrowserSessionCollection",
    "BulkAction",
    "BulkActionAction",
    "BulkActionActionOnExistence",
    "BulkActionActionOnNonExistence",
    "BulkAnswer",
    "BulkBody",
    "BulkResult",
    "BulkRun",
    "BulkRunStateType0",
    "Calendar",
    "CallableCheck",
    "CallbackBody",
    "CarriedAttempt",
    "Catchup",
    "ChangeKind",
    "ChangeOp",
    "ClearBody",
    "ClearRunBody",
    "ClearRunsBody",
    "CommandCheck",
    "ComparedForm",
    "Concurrency",
    "ConcurrencyStrategy",
    "Connection",
    "ConnectionBody",
    "ConnectionCollection",
    "ConnectionPatchBody",
    "CreateBackfillDryRunSlots",
    "CreatedApiToken",
    "CreatedApiTokenKind",
    "CreatedHook",
    "CreatedWebhook",
    "CreatedWebhookState",
    "CurrentVersion",
    "Dag",
    "DagCollection",
    "DagDetails",
    "DagDocument",
    "DagOverviewCollection",
    "DagOverviewRow",
    "DagPatch",
    "DagPlan",
    "DagRun",
    "DagRunCollection",
    "DagRunsBatchBody",
    "DagRunsBatchBodyStatesType0ItemType0",
    "DagRunState",
    "DagRunType",
    "DagsBody",
    "DagSource",
    "DagStats",
    "DagStatsCollection",
    "DagStatsState",
    "DagTag",
    "DagTagCollection",
    "DagTask",
    "DagVersion",
    "DagVersionCollection",
    "DagVersionDetails",
    "DagVersionDiff",
    "DatabaseHealth",
    "Deadline",
    "DeadlineAction",
    "DeadlineAnchor",
    "Debounce",
    "DefaultArgs",
    "Definition",
    "DefinitionCatchupType1",
    "DefinitionChange",
    "DefinitionCheck",
    "DefinitionForm",
    "DefinitionIncompatibility",
    "DefinitionParams",
    "DefinitionWarning",
    "Delivery",
    "DeliveryCollection",
    "DeliveryOutcome",
    "DeliveryRef",
    "DeliveryState",
    "DroppedTime",
    "DryRunBackfill",
    "DryRunBackfillCollection",
    "DstRules",
    "Environment",
    "ErrorItem",
    "Event",
    "EventCollection",
    "EventData",
    "EventFeedHealth",
    "EventKind",
    "EventLog",
    "EventLogCollection",
    "ExchangeBody",
    "ExchangeBodyRequestedTokenType",
    "ExchangeBodySubjectTokenType",
    "ExchangedToken",
    "ExecutionApiHealth",
    "Expand",
    "ExtraLinkCollection",
    "FailedTask",
    "FileCheck",
    "GapRule",
    "GetAssetAliases",
    "GetAssetEvents",
    "GetAssets",
    "GetBackfillDagRunsRunTypeItem",
    "GetBackfillDagRunsStateItem",
    "GetDagOverviewDagRunStateItem",
    "GetDagOverviewTagsMatchMode",
    "GetDagRunsRunTypeItem",
    "GetDagRunsStateItem",
    "GetDagsDagRunStateItem",
    "GetDagsTagsMatchMode",
    "GetEventLogsOutcomeItem",
    "GetEventsTypesItem",
    "GetHitlDetailsStateItem",
    "GetHomeDagRunStateItem",
    "GetHomeTagsMatchMode",
    "GetImportErrors",
    "GetMappedTaskInstancesStateItem",
    "GetNotifierDeliveriesStateItem",
    "GetNotifierDeliveriesTypeItem",
    "GetNotifiersStateItem",
    "GetPlugins",
    "GetProviders",
    "GetTaskInstancesStateItem",
    "GetWebhookDeliveriesStateItem",
    "GetWebhookDeliveriesTypeItem",
    "GetWebhooksStateItem",
    "Grant",
    "GrantBody",
    "GrantBodyRole",
    "Grid",
    "GridColumn",
    "GridTask",
    "Health",
    "HitlAnswer",
    "HitlAnswerBody",
    "HitlDetail",
    "HitlDetailCollection",
    "HitlUser",
    "Home",
    "Hook",
    "HookAnswer",
    "HookAnswerOutcome",
    "HookBody",
    "HookCollection",
    "HookDelivery",
    "HookDeliveryCollection",
    "HookKind",
    "HookPatch",
    "HookRotation",
    "HttpHeaders",
    "HttpMethod",
    "HttpQuery",
    "HttpRequest",
    "HttpTask",
    "ImportErrors",
    "InlineRunBody",
    "InlineRunBodyMediaType",
    "InstanceExplanation",
    "InstancePatch",
    "Job",
    "JobCollection",
    "JsonObject",
    "KeywordArguments",
    "LargeValueFields",
    "LargeValueFieldsKind",
    "LimitHolder",
    "ListDagWarnings",
    "LoginBody",
    "LogLine",
    "LogLines",
    "LogMarks",
    "LogSearch",
    "LogStoreHealth",
    "MatchRule",
    "Me",
    "NamedRunState",
    "NamedTriggerBody",
    "NextRun",
    "NextRuns",
    "NoopTask",
    "Notifier",
    "NotifierBody",
    "NotifierBodyState",
    "NotifierCollection",
    "NotifierPatchBody",
    "NotifierPatchBodyState",
    "NotifierState",
    "NotifyOn",
    "NotifyRule",
    "OpenApiDocument",
    "Outcome",
    "Outputs",
    "OutputSchemas",
    "OverlapRule",
    "ParentTask",
    "PasswordChange",
    "PatchDagsDagRunStateItem",
    "PatchDagsTagsMatchMode",
    "Plan",
    "PlanAction",
    "PlanBody",
    "PlannedDefinition",
    "PlannedDefinitionMediaType",
    "PlannedRun",
    "Pool",
    "PoolBody",
    "PoolCollection",
    "PoolPatchBody",
    "Problem",
    "ProblemDetailType1",
    "ProblemDetailType2Item",
    "PruneBody",
    "PrunedDags",
    "PythonTask",
    "Readiness",
    "Repeat",
    "ReprocessBehavior",
    "RestoreBody",
    "Retention",
    "RetryAction",
    "RetryRule",
    "Rights",
    "Role",
    "RotateBody",
    "RotatedSecret",
    "RunExplanation",
    "RunHandler",
    "RunInFlight",
    "RunName",
    "RunPatch",
    "RunPatchStateType0",
    "RunSource",
    "RunSourceState",
    "RunStateRule",
    "RunStates",
    "RunStatesBody",
    "RunVersionBody",
    "SatisfiedCause",
    "SavedDag",
    "SavedDagDetails",
    "SavedDags",
    "Schedule",
    "ScheduleAlias",
    "ScheduleCalendar",
    "ScheduleParts",
    "SchedulePreview",
    "SchedulerHealth",
    "SchedulerHealthRefusedStarts",
    "SearchHit",
    "SearchKindsItem",
    "SearchResult",
    "Secret",
    "SecretBody",
    "SecretCollection",
    "SecretReference",
    "SecurityFacts",
    "ServiceState",
    "SessionBody",
    "SessionCode",
    "SetupTeardownType",
    "ShellTask",
    "Signal",
    "SignalBody",
    "SignalCollection",
    "StateReason",
    "Summary",
    "SummaryCounts",
    "TaskCollection",
    "TaskDefinition",
    "TaskDependency",
    "TaskDependencyCollection",
    "TaskGroup",
    "TaskGroups",
    "TaskInstance",
    "TaskInstanceCollection",
    "TaskInstancesBatchBody",
    "TaskInstancesBatchBodyStateType0ItemType0",
    "TaskInstancesLog",
    "TaskInstanceState",
    "Tasks",
    "TaskTry",
    "TaskTryCollection",
    "Teardown",
    "TellingLine",
    "TimeDelta",
    "Timeline",
    "TimelineMedians",
    "TimelineRow",
    "TimelineRowCountsType0",
    "TriggerBody",
    "TriggeredRun",
    "TriggeredRuns",
    "TriggererHealth",
    "TriggerPlan",
    "TriggerRule",
    "TriggersBody",
    "UiConfig",
    "Upcoming",
    "UpcomingDays",
    "UpcomingRun",
    "UpstreamAssetEventCollection",
    "UpstreamDag",
    "UpstreamEnd",
    "User",
    "UserBody",
    "UserCollection",
    "UserPatch",
    "Values",
    "Variable",
    "VariableBody",
    "VariableCollection",
    "VariablePatchBody",
    "Version",
    "WaitBlocker",
    "WaitExplanation",
    "WaitResult",
    "WaitTask",
    "Webhook",
    "WebhookBody",
    "WebhookBodyState",
    "WebhookBodyTypesItem",
    "WebhookCollection",
    "WebhookKey",
    "WebhookPatchBody",
    "WebhookPatchBodyState",
    "WebhookPatchBodyTypesItem",
    "WebhookState",
    "WeightRule",
    "Worker",
    "WorkerCollection",
    "WorkerHealth",
    "WorkerHealthRefusedStarts",
    "WorkerStatus",
    "XCom",
    "XComCollection",
    "XComCreateBody",
    "XComUpdateBody",
    "XComWithValue",
)
