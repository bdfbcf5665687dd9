import type { Schema } from "./client.ts";

type Role = Schema<"Role">;
const RANK: Record<Role, number> = { viewer: 1, operator: 2, author: 3, admin: 4 };

/**
 * Whether these rights hold a role on a DAG, or everywhere when none is named. With several rights, those of a user and
 * of a token, each must hold it. The server decides; the page only leaves out what it would refuse.
 */
export function may(rights: Schema<"Me">["rights"], role: Role, dagId?: string): boolean {
  if (!rights || rights.length === 0) return false;
  return rights.every((right) => {
    if (right.role && RANK[right.role] >= RANK[role]) return true;
    if (dagId === undefined) return false;
    return (right.grants ?? []).some((grant) => grant.pattern && grant.role && RANK[grant.role] >= RANK[role] && matches(grant.pattern, dagId));
  });
}

/** Whether the role is held on some DAG at least. */
export const maySomewhere = (rights: Schema<"Me">["rights"], role: Role): boolean =>
  !!rights?.length && rights.every((right) => (right.role && RANK[right.role] >= RANK[role]) || (right.grants ?? []).some((grant) => grant.role && RANK[grant.role] >= RANK[role]));

const matches = (pattern: string, dagId: string): boolean => (pattern.endsWith("*") ? dagId.startsWith(pattern.slice(0, -1)) : pattern === dagId);
