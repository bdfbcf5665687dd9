import { useQueryClient } from "@tanstack/react-query";
import { CatchBoundary, Link } from "@tanstack/react-router";
import { type ReactNode, useEffect, useState } from "react";
import { ApiError } from "../api/client.ts";
import { useT } from "../i18n/index.tsx";
import { Button } from "./button.tsx";
import { copyText } from "./copy.ts";
import { Glyph } from "./state.tsx";

interface PanelProps {
  title?: ReactNode;
  /** Beside the title. */
  aside?: ReactNode;
  /** At the end of the header. */
  actions?: ReactNode;
  className?: string;
  label?: string;
  children: ReactNode;
}

/** A part of a page with an error boundary of its own: one bad value never blanks the rest. */
export function Panel({ title, aside, actions, className = "", label, children }: PanelProps) {
  return (
    <section className={`panel ${className}`} {...(label ? { "aria-label": label } : {})}>
      {(title || actions) && (
        <header className="wrap">
          {title && <h2>{title}</h2>}
          {aside && <span className="dim small">{aside}</span>}
          {actions && (
            <>
              <span className="grow" />
              {actions}
            </>
          )}
        </header>
      )}
      <Boundary>{children}</Boundary>
    </section>
  );
}

export function Boundary({ children }: { children: ReactNode }) {
  return (
    <CatchBoundary getResetKey={() => location.href} errorComponent={({ error }) => <Failure error={error} />}>
      {children}
    </CatchBoundary>
  );
}

/** Nothing for 200 ms, then the shape of the content; never a spinner over data. */
export function Loading({ rows = 4 }: { rows?: number }) {
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setShown(true), 200);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div className="pad stack loading" aria-busy="true">
      {isShown && Array.from({ length: rows }, (_, index) => <span key={index} className="sk" style={{ "--w": 0.35 + ((index * 37) % 55) / 100 }} />)}
    </div>
  );
}

/** What stands where there is nothing: what would fill it. */
export function Empty({ title, children, icon }: { title: ReactNode; children?: ReactNode; icon?: ReactNode }) {
  return (
    <div className="empty">
      {icon}
      <h3>{title}</h3>
      {children}
    </div>
  );
}

/** Nothing under this id, or nothing that the reader may see; the server knows ids that are near. */
function Missing({ what, hint }: { what: string | undefined; hint: string | null | undefined }) {
  const { common } = useT();
  return (
    <Empty title={common.not_found}>
      {what && <p className="anywhere">{common.not_found_text(what)}</p>}
      {hint && <p className="anywhere">{common.said(hint)}</p>}
      <Link className="btn" to="/">
        {common.home}
      </Link>
    </Empty>
  );
}

/** An error in its panel: code, sentence, request, and a way to try again. */
export function Failure({ error, what, retry }: { error: unknown; what?: string; retry?: () => void }) {
  const { common } = useT();
  const queries = useQueryClient();
  const problem = error instanceof ApiError ? error : null;
  if (problem?.status === 404) return <Missing what={what} hint={problem.problem.hint} />;
  const sentence = error instanceof Error ? error.message : String(error);
  const details = [problem?.status, problem?.code, sentence, problem?.requestId, location.pathname].filter(Boolean).join("\n");
  return (
    <div className="empty" role="alert">
      <Glyph state="failed" large />
      <h3>{common.panel_failed}</h3>
      <p className="anywhere">{problem ? common.failed_text(problem.status, problem.code, sentence) : sentence}</p>
      {problem?.requestId && <p className="small dim mono">{common.request_id(problem.requestId)}</p>}
      <span className="row">
        <Button onClick={() => (retry ? retry() : void queries.refetchQueries({ type: "active", stale: true }))}>{common.try_now}</Button>
        <Button bare onClick={() => void copyText(details)}>
          {common.copy_details}
        </Button>
      </span>
    </div>
  );
}

interface LoadedProps<Data> {
  query: { data: Data | undefined; error: unknown; refetch: () => unknown };
  rows?: number;
  what?: string;
  children: (data: Data) => ReactNode;
}

/** The states of a query: old data stays until new is there, an error is shown only where there is no data. */
export function Loaded<Data>({ query, rows = 4, what, children }: LoadedProps<Data>) {
  if (query.data !== undefined) return <>{children(query.data)}</>;
  if (query.error) return <Failure error={query.error} {...(what ? { what } : {})} retry={() => void query.refetch()} />;
  return <Loading rows={rows} />;
}
