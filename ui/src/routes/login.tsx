import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { type FormEvent, useEffect, useState } from "react";
import { ApiError } from "../api/client.ts";
import { queries, uiConfig } from "../api/queries.ts";
import { LANGUAGES, type Language, useLanguage, useT } from "../i18n/index.tsx";
import { Button, Segments } from "../kit/button.tsx";
import { Field } from "../kit/field.tsx";
import { Mark } from "../kit/icon.tsx";
import { roughly } from "../time/format.ts";
import { type LoginProblem, takeLoginProblem } from "./login_problem.ts";
import { isOwnAddress } from "./own_address.ts";
import { logIn } from "./session.tsx";
import { takeSignInCode } from "./sign_in_code.ts";

/** Log in, then show what was asked for. */
export function LoginPage() {
  const { next } = useSearch({ from: "/login" });
  const navigate = useNavigate();
  const { language, choose } = useLanguage();
  useEffect(() => void (document.title = "Mainspring"), []);
  return (
    <main className="login" id="main">
      <div className="stack" style={{ justifyItems: "center", inlineSize: "100%", gap: "16px" }}>
        <LoginForm next={isOwnAddress(next) ? next : "/"} onDone={() => void navigate({ href: isOwnAddress(next) ? next : "/", replace: true })} />
        <Segments label="Language" value={language} options={Object.entries(LANGUAGES) as [Language, string][]} onChange={choose} />
      </div>
    </main>
  );
}

/** The form of a login. Without `next` it stands over a page that must stay: the identity provider opens in a tab of its own. */
export function LoginForm({ onDone, next, isBare = false }: { onDone(): void; next?: string; isBare?: boolean }) {
  const { login } = useT();
  const { data: config } = useQuery(uiConfig());
  const [kind, setKind] = useState<"password" | "token">("password");
  const { error, isBusy, submit } = useLogIn(onDone);
  const [problem] = useState(() => (isBare ? null : takeLoginProblem()));
  useEffect(() => {
    const code = takeSignInCode();
    if (code !== null) submit({ code });
    // Once: a second submit would send a code that is used up.
  }, []);
  const onSubmit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget);
    const text = (name: string) => String(fields.get(name) ?? "");
    submit(kind === "token" ? { token: text("token").trim() } : { username: text("username"), password: text("password") });
  };
  return (
    <section className={isBare ? "" : "panel"} style={{ padding: isBare ? 0 : "24px" }}>
      <form className="stack" style={{ gap: "14px" }} onSubmit={onSubmit}>
        {!isBare && (
          <>
            <span className="mark">
              <Mark />
            </span>
            <h1 className="b lead" style={{ textAlign: "center" }}>
              {login.title} {config?.instance_name && <span className="muted">{login.to(config.instance_name)}</span>}
            </h1>
          </>
        )}
        {config?.oidc_name && <OidcLink name={config.oidc_name} next={next} onDone={onDone} />}
        {problem && !error && <ProblemText problem={problem} name={config?.oidc_name ?? ""} />}
        {kind === "password" ? <PasswordFields /> : <TokenField />}
        {error && (
          <p className="t-bad small b" role="alert">
            {error}
          </p>
        )}
        <Button primary type="submit" disabled={isBusy} className="fill" style={{ blockSize: "36px" }}>
          {login.enter}
        </Button>
        <Button bare onClick={() => setKind(kind === "token" ? "password" : "token")}>
          {kind === "token" ? login.with_password : login.with_token}
        </Button>
      </form>
    </section>
  );
}

/** Leads to the identity provider. Where the page must stay, a second tab does, and this one looks whether it has succeeded. */
function OidcLink({ name, next, onDone }: { name: string; next: string | undefined; onDone(): void }) {
  const { login } = useT();
  const [isAway, setAway] = useState(false);
  useEffect(() => {
    if (!isAway) return;
    const look = () =>
      void fetch("/api/v2/me").then(
        (answer) => answer.ok && onDone(),
        () => undefined,
      );
    window.addEventListener("focus", look);
    return () => window.removeEventListener("focus", look);
  }, [isAway, onDone]);
  const newTab = next === undefined ? { target: "_blank", rel: "noopener", onClick: () => setAway(true) } : {};
  return (
    <a className="btn fill" style={{ blockSize: "36px" }} href={`/auth/oidc/login?next=${encodeURIComponent(next ?? "/")}`} {...newTab}>
      {login.with_provider(name)}
    </a>
  );
}

function ProblemText({ problem, name }: { problem: LoginProblem; name: string }) {
  const { login } = useT();
  const sentences: Record<string, string> = {
    lost: login.oidc_lost,
    expired: login.oidc_expired,
    inactive: login.oidc_inactive,
    unavailable: login.oidc_unavailable(name),
    no_group: login.oidc_no_group(problem.groups.join(", ")),
    too_many: login.oidc_too_many,
  };
  return (
    <p className="t-bad small b" role="alert">
      {sentences[problem.code] ?? login.oidc_refused(problem.detail)}
    </p>
  );
}

function PasswordFields() {
  const { login } = useT();
  return (
    <>
      <Field label={login.user}>{(ids) => <input {...ids} className="inp" name="username" autoComplete="username" autoFocus required />}</Field>
      <Field label={login.password}>{(ids) => <input {...ids} className="inp" name="password" type="password" autoComplete="current-password" required />}</Field>
    </>
  );
}

function TokenField() {
  const { login } = useT();
  return (
    <Field label={login.token} hint={login.token_hint}>
      {(ids) => <input {...ids} className="inp mono" name="token" type="password" autoComplete="off" autoFocus required />}
    </Field>
  );
}

function useLogIn(onDone: () => void) {
  const { login } = useT();
  const { language } = useLanguage();
  const [error, setError] = useState("");
  const [isBusy, setBusy] = useState(false);
  const sentence = (reason: unknown, credentials: Parameters<typeof logIn>[0]): string => {
    if (!(reason instanceof ApiError)) return String(reason);
    if (reason.status === 429) return login.too_many(roughly(language, 60));
    if (reason.status === 401 || reason.status === 403) {
      if ("code" in credentials) return login.old_link;
      return "token" in credentials ? login.wrong_token : login.wrong_password;
    }
    return reason.message;
  };
  const submit = (credentials: Parameters<typeof logIn>[0]) => {
    setBusy(true);
    setError("");
    logIn(credentials)
      .then(() => queries.invalidateQueries())
      .then(onDone, (reason: unknown) => setError(sentence(reason, credentials)))
      .finally(() => setBusy(false));
  };
  return { error, isBusy, submit };
}
