import type { Schema } from "../../api/client.ts";

/** The question of an instance that waits for its answer; null = it has one, or waits for something else. */
export function approvalOf({ waits_for, ...instance }: Schema<"TaskInstance">): Schema<"Approval"> | null {
  const asked = waits_for as ({ answer?: unknown } & Pick<Schema<"Approval">, "message" | "choices" | "default" | "give_up_at">) | null;
  if (!asked || asked.answer || !Array.isArray(asked.choices) || !instance.start_date) return null;
  const { message, choices, default: otherwise, give_up_at } = asked;
  const { dag_id, dag_display_name, dag_run_id, task_id, map_index } = instance;
  return { dag_id, dag_display_name, dag_run_id, task_id, map_index, message, choices, default: otherwise, requested_at: instance.start_date, give_up_at };
}
