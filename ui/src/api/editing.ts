/** Queries and changes of the editor of definitions. */
import { queryOptions } from "@tanstack/react-query";
import { ApiError, type Schema, api, ok, reportStatus } from "./client.ts";
import { fromJson } from "./exact.ts";
import { firstOf } from "./pages.ts";

/** A saved version with its text, and what a save of another text must send along. */
export interface SavedText {
  text: string;
  version: number;
  /** Empty = unknown. */
  author: string;
  /** The ETag of the DAG: a save is refused when it has changed. */
  etag: string;
  isYaml: boolean;
  /** False = an earlier release kept no text: the normalised form stands for it. */
  isSent: boolean;
}

const YAML = "application/yaml";
const JSON_TYPE = "application/json";
export const mediaOf = (isYaml: boolean): string => (isYaml ? YAML : JSON_TYPE);

/** The name of the attachment tells the version of a text: `nightly.v3.yaml`. */
const VERSION_OF_NAME = /\.v(\d+)\.\w+"?$/;

/** The current text of a definition, with its type and author. A DAG without a kept text is edited as JSON. */
export async function savedText(dagId: string, signal?: AbortSignal): Promise<SavedText> {
  const path = `/api/v2/dags/${encodeURIComponent(dagId)}/definition`;
  const read = (query: string) => fetch(path + query, { cache: "no-store", headers: { Accept: "text/plain, application/json;q=0.5", "X-Mainspring-Page": "1" }, ...(signal ? { signal } : {}) });
  let response = await read("?form=sent");
  const isSent = response.status !== 404;
  if (!isSent) response = await read("");
  await refuse(response);
  const text = isSent ? await response.text() : `${JSON.stringify(fromJson(await response.text()), null, 2)}\n`;
  const saved = await versionOf(dagId, Number(VERSION_OF_NAME.exec(response.headers.get("Content-Disposition") ?? "")?.[1] ?? 0), signal);
  const isYaml = isSent && saved?.source_media_type !== JSON_TYPE;
  return { text, etag: response.headers.get("ETag") ?? "", isYaml, isSent, version: saved?.version_number ?? 1, author: saved?.created_by ?? "" };
}

/** One version; number 0 = the latest. */
async function versionOf(dagId: string, number: number, signal?: AbortSignal): Promise<Schema<"DagVersionDetails"> | undefined> {
  const options = signal ? { signal } : {};
  if (number > 0) return ok(api.GET("/api/v2/dags/{dag_id}/dagVersions/{version_number}", { params: { path: { dag_id: dagId, version_number: number } }, ...options }));
  const { dag_versions: versions } = await ok(api.GET("/api/v2/dags/{dag_id}/dagVersions", { params: { path: { dag_id: dagId }, query: { limit: 1, order_by: ["-version_number"] } }, ...options }));
  return versions[0];
}

/** What a save of the text would change, or an `ApiError` with its faults. */
export const plan = (dagId: string, text: string, isYaml: boolean, etag: string) =>
  queryOptions({
    queryKey: ["plan", dagId, etag, text],
    queryFn: async ({ signal }) => {
      const answer = await ok(api.POST("/api/v2/dags/plan", { body: { definitions: [{ dag_id: dagId, text, media_type: mediaOf(isYaml) as never }] }, signal }));
      return answer.dags[0] as Schema<"DagPlan">;
    },
    meta: { isStatic: true },
    retry: false,
    staleTime: 30_000,
    gcTime: 60_000,
  });

/** A valid text with what it declares, or an `ApiError` with its faults. */
export const checkedText = (dagId: string, text: string, isYaml: boolean) =>
  queryOptions({
    queryKey: ["validate", dagId, text],
    queryFn: async ({ signal }) => {
      const path = `/api/v2/dags/validate?${new URLSearchParams({ dag_id: dagId })}`;
      const response = await fetch(path, { method: "POST", body: text, headers: { "Content-Type": mediaOf(isYaml), "X-Mainspring-Page": "1" }, signal });
      await refuse(response);
      return fromJson(await response.text()) as Schema<"DefinitionCheck">;
    },
    meta: { isStatic: true },
    retry: false,
    staleTime: 30_000,
    gcTime: 60_000,
  });

/** Save the text while the DAG is as it was read; 412 = somebody else was faster. */
export async function saveText(dagId: string, text: string, saved: SavedText, message: string): Promise<Schema<"SavedDagDetails">> {
  const query = message ? `?${new URLSearchParams({ message })}` : "";
  const response = await fetch(`/api/v2/dags/${encodeURIComponent(dagId)}${query}`, { method: "PUT", body: text, headers: { "Content-Type": mediaOf(saved.isYaml), "If-Match": saved.etag, "X-Mainspring-Page": "1" } }).catch((reason: unknown) => {
    throw new ApiError(0, { code: "offline", title: String(reason) }, "");
  });
  await refuse(response);
  return (await response.json()) as Schema<"SavedDagDetails">;
}

async function refuse(response: Response): Promise<void> {
  reportStatus(response.status);
  if (response.ok) return;
  const problem: unknown = await response.json().catch(() => ({}));
  throw new ApiError(response.status, problem as Partial<Schema<"Problem">>, response.headers.get("X-Request-Id") ?? "");
}

/** Names that a definition can use. Where the reader may not see them, none are offered. */
export const names = () =>
  queryOptions({
    queryKey: ["editor", "names"],
    queryFn: async ({ signal }) => {
      const [pools, secrets] = await Promise.all([
        firstOf("pools", 200, (page) => ok(api.GET("/api/v2/pools", { params: { query: page }, signal }))).catch(() => null),
        firstOf("secrets", 200, (page) => ok(api.GET("/api/v2/secrets", { params: { query: page }, signal }))).catch(() => null),
      ]);
      return { pools: pools?.pools.map((pool) => pool.name) ?? [], secrets: secrets?.secrets.map((secret) => secret.name) ?? [] };
    },
    meta: { isStatic: true },
    staleTime: 60_000,
  });
