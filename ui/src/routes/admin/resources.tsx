/** What the pages of Admin list and change, each by its own operations. */
import { type Schema, api, ok } from "../../api/client.ts";
import { typedNumber } from "../../api/exact.ts";
import { firstOf } from "../../api/pages.ts";
import type { Messages } from "../../i18n/index.tsx";
import { copyText } from "../../kit/copy.ts";
import { Button } from "../../kit/button.tsx";
import { State } from "../../kit/state.tsx";
import { Ago, When } from "../../kit/time.tsx";
import type { Resource, Values } from "./resource.tsx";

type Role = Schema<"Role">;
const ROLES: Role[] = ["viewer", "operator", "author", "admin"];
const text = (values: Values, name: string): string | null => values[name] || null;
const LIMIT = 500;

export const pools = ({ admin: { fields }, common }: Messages): Resource<Schema<"Pool">> => ({
  part: "pools",
  list: async () => (await firstOf("pools", LIMIT, (page) => ok(api.GET("/api/v2/pools", { params: { query: page } })))).pools,
  nameOf: (pool) => pool.name,
  columns: [
    { title: fields.name, cell: (pool) => <b>{pool.name}</b> },
    { title: fields.slots, isNumber: true, cell: (pool) => pool.slots },
    { title: fields.used, isNumber: true, cell: (pool) => pool.occupied_slots },
    { title: fields.queued, isNumber: true, isWide: true, cell: (pool) => pool.queued_slots + pool.scheduled_slots },
    { title: fields.open, isNumber: true, cell: (pool) => <span className={pool.open_slots <= 0 ? "t-retry b" : ""}>{pool.open_slots}</span> },
    { title: fields.description, isWide: true, fills: true, cell: (pool) => <span className="muted">{common.said(pool.description ?? "")}</span> },
  ],
  inputs: [
    { name: "name", label: fields.name, required: true },
    { name: "slots", label: fields.slots, kind: "number", required: true },
    { name: "description", label: fields.description },
  ],
  create: async (values) => void (await ok(api.POST("/api/v2/pools", { body: { name: values["name"] ?? "", slots: typedNumber(values["slots"] ?? "") as number, description: text(values, "description") } }))),
  valuesOf: (pool) => ({ name: pool.name, slots: String(pool.slots), description: pool.description ?? "" }),
  update: (pool, values) => ok(api.PATCH("/api/v2/pools/{pool_name}", { params: { path: { pool_name: pool.name } }, body: { slots: typedNumber(values["slots"] ?? "") as number, description: text(values, "description") } })),
  remove: (pool) => ok(api.DELETE("/api/v2/pools/{pool_name}", { params: { path: { pool_name: pool.name } } })),
});

export const workers = ({ admin: { fields, status_names: names } }: Messages): Resource<Schema<"Worker">> => ({
  part: "workers",
  list: async () => (await ok(api.GET("/api/v2/workers"))).workers,
  nameOf: (worker) => worker.worker_id,
  columns: [
    { title: fields.status, cell: (worker) => <State state={{ alive: "success", silent: "late", stopped: "removed" }[worker.status]} className={worker.status === "silent" ? "t-retry" : ""} word={names[worker.status]} /> },
    { title: fields.worker, cell: (worker) => <b className="mono">{worker.worker_id.slice(0, 12)}</b> },
    { title: fields.host, cell: (worker) => `${worker.hostname}:${worker.pid}` },
    { title: fields.queues, isWide: true, cell: (worker) => worker.queues.join(", ") },
    { title: fields.running, isNumber: true, cell: (worker) => worker.attempts.length },
    { title: fields.heartbeat, isNumber: true, isWide: true, cell: (worker) => <Ago at={worker.latest_heartbeat} /> },
    { title: fields.version, isWide: true, cell: (worker) => <span className="muted">{worker.version}</span> },
  ],
});

export const variables = ({ admin: { fields } }: Messages): Resource<Schema<"Variable">> => ({
  part: "variables",
  list: async () => (await firstOf("variables", LIMIT, (page) => ok(api.GET("/api/v2/variables", { params: { query: page } })))).variables,
  nameOf: (variable) => variable.key,
  columns: [
    { title: fields.key, cell: (variable) => <b>{variable.key}</b> },
    { title: fields.value, fills: true, cell: (variable) => <span className="mono value" title={variable.value}>{variable.value}</span> },
    { title: fields.description, isWide: true, cell: (variable) => <span className="muted">{variable.description}</span> },
  ],
  inputs: [
    { name: "key", label: fields.key, required: true },
    { name: "value", label: fields.value, kind: "area" },
    { name: "description", label: fields.description },
  ],
  create: async (values) => void (await ok(api.POST("/api/v2/variables", { body: { key: values["key"] ?? "", value: values["value"] ?? "", description: text(values, "description") } }))),
  valuesOf: (variable) => ({ key: variable.key, value: variable.value, description: variable.description ?? "" }),
  update: (variable, values) =>
    ok(api.PATCH("/api/v2/variables/{variable_key}", { params: { path: { variable_key: variable.key } }, body: { key: variable.key, value: values["value"] ?? "", description: text(values, "description") } })),
  remove: (variable) => ok(api.DELETE("/api/v2/variables/{variable_key}", { params: { path: { variable_key: variable.key } } })),
});

export const connections = ({ admin: { fields } }: Messages): Resource<Schema<"Connection">> => ({
  part: "connections",
  list: async () => (await firstOf("connections", LIMIT, (page) => ok(api.GET("/api/v2/connections", { params: { query: page } })))).connections,
  nameOf: (connection) => connection.connection_id,
  columns: [
    { title: fields.name, cell: (connection) => <b>{connection.connection_id}</b> },
    { title: fields.type, cell: (connection) => connection.conn_type },
    { title: fields.host, isWide: true, cell: (connection) => [connection.host, connection.port].filter(Boolean).join(":") },
    { title: fields.login, isWide: true, cell: (connection) => connection.login },
    { title: fields.description, isWide: true, fills: true, cell: (connection) => <span className="muted">{connection.description}</span> },
  ],
  inputs: [
    { name: "connection_id", label: fields.name, required: true },
    { name: "conn_type", label: fields.type, required: true },
    { name: "host", label: fields.host },
    { name: "port", label: fields.port, kind: "number" },
    { name: "login", label: fields.login },
    { name: "password", label: fields.password, kind: "password" },
    { name: "description", label: fields.description },
  ],
  create: async (values) =>
    void (await ok(
      api.POST("/api/v2/connections", {
        body: { connection_id: values["connection_id"] ?? "", conn_type: values["conn_type"] ?? "", host: text(values, "host"), login: text(values, "login"), password: text(values, "password"), port: values["port"] ? (typedNumber(values["port"]) as number) : null, description: text(values, "description") },
      }),
    )),
  remove: (connection) => ok(api.DELETE("/api/v2/connections/{connection_id}", { params: { path: { connection_id: connection.connection_id } } })),
});

export const secrets = ({ admin }: Messages): Resource<Schema<"Secret">> => ({
  part: "secrets",
  list: async () => (await firstOf("secrets", LIMIT, (page) => ok(api.GET("/api/v2/secrets", { params: { query: page } })))).secrets,
  nameOf: (secret) => secret.name,
  columns: [
    { title: admin.fields.name, fills: true, cell: (secret) => <b>{secret.name}</b> },
    { title: admin.fields.updated, isNumber: true, cell: (secret) => <Ago at={secret.updated_at} /> },
  ],
  inputs: [
    { name: "name", label: admin.fields.name, required: true },
    { name: "value", label: admin.fields.value, kind: "password", required: true, hint: admin.secret_hint },
  ],
  create: async (values) => void (await ok(api.PUT("/api/v2/secrets/{secret_name}", { params: { path: { secret_name: values["name"] ?? "" } }, body: { value: values["value"] ?? "" } }))),
  valuesOf: (secret) => ({ name: secret.name }),
  update: (secret, values) => ok(api.PUT("/api/v2/secrets/{secret_name}", { params: { path: { secret_name: secret.name } }, body: { value: values["value"] ?? "" } })),
  remove: (secret) => ok(api.DELETE("/api/v2/secrets/{secret_name}", { params: { path: { secret_name: secret.name } } })),
});

const grantsText = (grants: readonly Schema<"Grant">[]): string => grants.map((grant) => `${grant.pattern}: ${grant.role}`).join(", ");

export const users = ({ admin }: Messages): Resource<Schema<"User">> => ({
  part: "users",
  list: async () => (await firstOf("users", LIMIT, (page) => ok(api.GET("/api/v2/users", { params: { query: page } })))).users,
  nameOf: (user) => user.username,
  columns: [
    { title: admin.fields.user, cell: (user) => <b className={user.is_active ? "" : "dim"}>{user.username}</b> },
    { title: admin.fields.role, cell: (user) => user.role && admin.roles[user.role] },
    { title: admin.fields.grants, isWide: true, fills: true, cell: (user) => <span className="muted">{grantsText(user.grants)}</span> },
    { title: admin.fields.last_login, isNumber: true, isWide: true, cell: (user) => user.last_login_at && <Ago at={user.last_login_at} /> },
    { title: admin.fields.created, isNumber: true, isWide: true, cell: (user) => <When at={user.created_at} /> },
  ],
  inputs: [
    { name: "username", label: admin.fields.user, required: true },
    { name: "password", label: admin.fields.password, kind: "password", required: true },
    { name: "role", label: admin.fields.role, kind: "select", options: [["", "–"], ...ROLES.map((role) => [role, admin.roles[role] ?? role] as const)] },
  ],
  create: async (values) => void (await ok(api.POST("/api/v2/users", { body: { username: values["username"] ?? "", password: values["password"] ?? "", role: (values["role"] || null) as Role | null } }))),
  remove: (user) => ok(api.DELETE("/api/v2/users/{username}", { params: { path: { username: user.username } } })),
});

export const tokens = ({ admin, common }: Messages): Resource<Schema<"ApiToken">> => ({
  part: "tokens",
  list: async () => (await firstOf("tokens", LIMIT, (page) => ok(api.GET("/api/v2/tokens", { params: { query: page } })))).tokens.filter((token) => !token.revoked_at),
  nameOf: (token) => token.name,
  columns: [
    { title: admin.fields.name, cell: (token) => <b>{token.name}</b> },
    { title: admin.fields.kind, isWide: true, cell: (token) => token.kind },
    { title: admin.fields.role, cell: (token) => token.role && admin.roles[token.role] },
    { title: admin.fields.user, isWide: true, fills: true, cell: (token) => <span className="muted">{token.username ?? grantsText(token.grants)}</span> },
    { title: admin.fields.last_used, isNumber: true, isWide: true, cell: (token) => token.last_used_at && <Ago at={token.last_used_at} /> },
    { title: admin.fields.expires, isNumber: true, cell: (token) => (token.expires_at ? <When at={token.expires_at} /> : common.never) },
  ],
  inputs: [
    { name: "name", label: admin.fields.name, required: true },
    { name: "role", label: admin.fields.role, kind: "select", options: ROLES.map((role) => [role, admin.roles[role] ?? role] as const) },
  ],
  create: async (values) => {
    const { token } = await ok(api.POST("/api/v2/tokens", { body: { name: values["name"] ?? "", role: (values["role"] || "viewer") as Role } }));
    return (
      <>
        <p className="note retry">{admin.token_once}</p>
        <input className="inp mono" readOnly value={token} aria-label={admin.parts.tokens} onFocus={(event) => event.currentTarget.select()} />
        <Button onClick={() => void copyText(token)}>{common.copy}</Button>
      </>
    );
  },
  remove: (token) => ok(api.DELETE("/api/v2/tokens/{token_id}", { params: { path: { token_id: token.id } } })),
  removeText: admin.revoke,
});
