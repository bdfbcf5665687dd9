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
        <LoginForm onDone={() => void navigate({ href: isOwnAddress(next) ? next : "/", replace: true })} />
        <Segments label="Language" value={language} options={Object.entries(LANGUAGES) as [Language, string][]} onChange={choose} />
      </div>
    </main>
  );
}

export function LoginForm({ onDone, isBare = false }: { onDone(): void; isBare?: boolean }) {
  const { login } = useT();
  const { data: config } = useQuery(uiConfig());
  const [kind, setKind] = useState<"password" | "token">("password");
  const { error, isBusy, submit } = useLogIn(onDone);
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
