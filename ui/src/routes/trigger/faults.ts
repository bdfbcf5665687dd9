import { ApiError, type Schema } from "../../api/client.ts";

export const pathOf = (dagId: string): string => `/api/v2/dags/${encodeURIComponent(dagId)}/dagRuns`;

/** Faults of the body by the name of a param (`/conf/regions/0` → `regions`) or of a field. */
export function faultsOf(error: unknown): Record<string, string> {
  const faults: Record<string, string> = {};
  if (!(error instanceof ApiError)) return faults;
  for (const { pointer, message } of error.problem.errors ?? []) {
    const parts = (pointer ?? "").split("/").filter(Boolean);
    const name = parts[0] === "conf" ? (parts[1] ?? "conf") : (parts[0] ?? "");
    if (name) faults[name] ??= message;
  }
  return faults;
}

/** The same request for a terminal. */
export function curlOf(dagId: string, body: Schema<"TriggerBody">): string[] {
  const text = JSON.stringify(body).replaceAll("'", `'\\''`);
  return [`curl -X POST "$MAINSPRING_URL${pathOf(dagId)}" \\`, `  -H "Authorization: Bearer $TOKEN" \\`, `  -H "Content-Type: application/json" \\`, `  -d '${text}'`];
}
