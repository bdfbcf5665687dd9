import type { Schema } from "../../api/client.ts";

type Asked = { answer?: unknown; default: string | string[] | null } & Pick<Schema<"Approval">, "message" | "choices" | "give_up_at"> &
  Partial<Pick<Schema<"Approval">, "multiple" | "params" | "assigned">>;

/** The question of an instance that waits for its answer; null = it has one, or waits for something else. */
export function approvalOf({ waits_for, ...instance }: Schema<"TaskInstance">): Schema<"Approval"> | null {
  const asked = waits_for as Asked | null;
  if (!asked || asked.answer || !Array.isArray(asked.choices) || !instance.start_date) return null;
  const { message, choices, give_up_at, multiple = false, params = null, assigned = null } = asked;
  const { dag_id, dag_display_name, dag_run_id, task_id, map_index, rendered_map_index } = instance;
  const defaults = asked.default === null ? null : [asked.default].flat();
  const of_instance = { dag_id, dag_display_name, dag_run_id, task_id, map_index, rendered_map_index, requested_at: instance.start_date };
  return { ...of_instance, message, choices, multiple, params, assigned, default: defaults?.[0] ?? null, defaults, give_up_at };
}
