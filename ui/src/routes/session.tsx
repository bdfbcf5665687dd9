import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, use } from "react";
import { type Schema, request } from "../api/client.ts";
import { me } from "../api/queries.ts";
import { may, maySomewhere } from "../api/rights.ts";

export interface Session {
  name: string;
  /** Whether the session's rights hold a role on a DAG, or everywhere. */
  may(role: Schema<"Role">, dagId?: string): boolean;
  maySomewhere(role: Schema<"Role">): boolean;
}

const NONE: Session = { name: "", may: () => false, maySomewhere: () => false };
const Context = createContext<Session>(NONE);
export const SessionProvider = Context;
export const useSession = (): Session => use(Context);

/** The session as the server knows it; undefined until it has answered. */
export function useAskedSession(): { session: Session | undefined; error: unknown } {
  const { data, error } = useQuery(me());
  if (!data) return { session: undefined, error };
  const rights = data.rights ?? [];
  return { session: { name: data.name ?? "", may: (role, dagId) => may(rights, role, dagId), maySomewhere: (role) => maySomewhere(rights, role) }, error };
}

export const logIn = (credentials: { username: string; password: string } | { token: string } | { code: string }): Promise<void> =>
  request<void>("POST", "/auth/session", { body: credentials });

/** End the session, and forget all that it could read. */
export function useLogOut(): () => Promise<void> {
  const client = useQueryClient();
  return async () => {
    await request<void>("DELETE", "/auth/session").catch(() => undefined);
    client.clear();
    location.assign("/login");
  };
}
