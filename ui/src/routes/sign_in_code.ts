/**
 * The one-time code of a sign-in link, `/login#code=…`.
 *
 * main.tsx imports this module first. The code leaves the address before anything else reads the address, so neither
 * the history of the browser nor a copied link holds the code.
 */
let code = new URLSearchParams(location.hash.slice(1)).get("code");
if (code !== null && location.pathname === "/login") history.replaceState(history.state, "", location.pathname + location.search);
else code = null;

/** The code at the first call, null at every later call: the server takes a code once. */
export function takeSignInCode(): string | null {
  const taken = code;
  code = null;
  return taken;
}
