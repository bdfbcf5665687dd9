import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { ApiError, type Schema, request } from "../../api/client.ts";
import { fromTyped } from "../../api/exact.ts";
import type { FaultWord } from "../../kit/fault.ts";

/** What a trigger would do, by the server's own checks. */
export interface TriggerPlan {
  params: Record<string, unknown>;
  version_number: number;
  starts: "now" | "queued";
  reasons: string[];
  instances: number;
  estimated_seconds: number | null;
}

const PLAN = "application/vnd.mainspring.trigger-plan+json, application/problem+json;q=0.9, application/json;q=0.8";

export const pathOf = (dagId: string): string => `/api/v2/dags/${encodeURIComponent(dagId)}/dagRuns`;

/** Asks 250 ms after typing stops. A refusal is an answer too: its faults belong to the fields. */
export function useTriggerPlan(dagId: string, body: Schema<"TriggerBody">) {
  const wanted = JSON.stringify(body);
  const text = useSettled(wanted, 250);
  const query = useQuery({
    queryKey: ["trigger", dagId, text],
    queryFn: ({ signal }) => request<TriggerPlan>("POST", `${pathOf(dagId)}?dry_run=true`, { body: fromTyped(text), signal, headers: { Accept: PLAN } }),
    retry: (count, error) => count < 2 && error instanceof ApiError && error.isOffline,
    meta: { isStatic: true },
    staleTime: 30_000,
  });
  return { ...query, isSettled: text === wanted && !query.isFetching };
}

function useSettled<Value>(value: Value, milliseconds: number): Value {
  const [settled, setSettled] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return settled;
}

/** Faults of the body by the name of a param (`/conf/regions/0`, `/values/regions` → `regions`) or of a field, in words of the reader's language. */
export function faultsOf(error: unknown, word: FaultWord): Record<string, string> {
  const faults: Record<string, string> = {};
  if (!(error instanceof ApiError)) return faults;
  for (const { pointer, message, code } of error.problem.errors ?? []) {
    const parts = (pointer ?? "").split("/").filter(Boolean);
    const name = parts[0] === "conf" || parts[0] === "values" ? (parts[1] ?? parts[0]) : (parts[0] ?? "");
    if (name) faults[name] ??= word(code, message);
  }
  return faults;
}

export const FORMS = ["curl", "CLI", "Python"] as const;
export type RequestForm = (typeof FORMS)[number];

/** The same request for a terminal or a program, in lines. The command makes its own idempotency key. Null = this form has no words for a part of the request. */
export function requestOf(form: RequestForm, dagId: string, body: Schema<"TriggerBody">, idempotencyKey = ""): string[] | null {
  if (form === "curl") return curlOf(dagId, body, idempotencyKey);
  return form === "CLI" ? commandOf(dagId, body) : pythonOf(dagId, body, idempotencyKey);
}

const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

const curlOf = (dagId: string, body: Schema<"TriggerBody">, key: string): string[] => [
  `curl -X POST "$MAINSPRING_URL${pathOf(dagId)}" \\`,
  `  -H "Authorization: Bearer $TOKEN" \\`,
  `  -H "Content-Type: application/json" \\`,
  ...(key ? [`  -H ${quoted(`Idempotency-Key: ${key}`)} \\`] : []),
  `  -d ${quoted(JSON.stringify(body))}`,
];

function commandOf(dagId: string, { conf, note, dag_run_id: runId, logical_date: date, run_after: at }: Schema<"TriggerBody">): string[] | null {
  if (date || at) return null;
  const options = [conf && Object.keys(conf).length > 0 && `--conf ${quoted(JSON.stringify(conf))}`, runId && `--run-id ${quoted(runId)}`, note && `--note ${quoted(note)}`].filter((each) => typeof each === "string");
  const lines = [`mainspring run ${/^[\w.-]+$/.test(dagId) ? dagId : quoted(dagId)}`, ...options.map((each) => `  ${each}`)];
  return lines.map((line, index) => (index < lines.length - 1 ? `${line} \\` : line));
}

const pythonOf = (dagId: string, body: Schema<"TriggerBody">, key: string): string[] => [
  "import json, os",
  "from mainspring_client import AuthenticatedClient",
  "from mainspring_client.api.dag_runs import trigger_dag_run",
  `body = json.loads(${JSON.stringify(JSON.stringify(body))})`,
  `with AuthenticatedClient(base_url=os.environ["MAINSPRING_URL"], token=os.environ["MAINSPRING_TOKEN"]) as client:`,
  `    print(trigger_dag_run.sync(${JSON.stringify(dagId)}, client=client, body=body${key ? `, idempotency_key=${JSON.stringify(key)}` : ""}).dag_run_id)`,
];
