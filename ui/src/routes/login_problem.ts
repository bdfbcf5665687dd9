/** Why a login with the identity provider failed, as the server left it in a cookie. */
export interface LoginProblem {
  code: string;
  /** In a sentence, in English. */
  detail: string;
  /** For `no_group`: groups of which a person needs one. */
  groups: string[];
}

const NAME = "mainspring-login-problem";

/** The problem of a text in the form of the cookie: JSON in URL-safe base64; null for anything else. */
export function readProblem(text: string): LoginProblem | null {
  try {
    const bytes = Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (character) => character.charCodeAt(0));
    const { code, detail, groups } = JSON.parse(new TextDecoder().decode(bytes)) as Partial<Record<keyof LoginProblem, unknown>>;
    if (typeof code !== "string" || typeof detail !== "string") return null;
    return { code, detail, groups: Array.isArray(groups) ? groups.map(String) : [] };
  } catch {
    return null;
  }
}

/** The problem of the latest login, once: the cookie is removed. */
export function takeLoginProblem(): LoginProblem | null {
  const entry = document.cookie.split("; ").find((cookie) => cookie.startsWith(`${NAME}=`));
  if (entry === undefined) return null;
  document.cookie = `${NAME}=; Max-Age=0; Path=/login`;
  return readProblem(entry.slice(NAME.length + 1));
}
