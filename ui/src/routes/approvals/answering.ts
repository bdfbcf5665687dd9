/** Who may answer an approval, as far as the page knows; the server has the last word. Pure functions. */
import type { Session } from "../session.tsx";

type Role = Parameters<Session["may"]>[0];

/** The choice that fails the task; it stands alone and needs no values. */
export const REJECT = "reject";

export interface Assigned {
  users?: readonly string[];
  roles?: readonly Role[];
}

/** The role operator, and one of the assigned users or roles. An administrator is no exception. */
export function mayAnswer(session: Pick<Session, "name" | "may">, dagId: string, assigned: Assigned | null): boolean {
  if (!session.may("operator", dagId)) return false;
  if (assigned === null) return true;
  return (assigned.users?.includes(session.name) ?? false) || (assigned.roles?.some((role) => session.may(role, dagId)) ?? false);
}
