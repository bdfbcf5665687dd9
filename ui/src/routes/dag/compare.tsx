import { useQuery } from "@tanstack/react-query";
import { useNavigate, useParams } from "@tanstack/react-router";
import { useEffect, useMemo, useState } from "react";
import { versions } from "../../api/run.ts";
import { versionDiff, type DefinitionChange, type DescribedVersion, type VersionDiff } from "../../api/versions.ts";
import { useT } from "../../i18n/index.tsx";
import { Button } from "../../kit/button.tsx";
import { Empty, Loaded, Panel } from "../../kit/panel.tsx";
import { Ago } from "../../kit/time.tsx";
import { textOf } from "../run/values.tsx";
import { diffRows, pairOf } from "./diff.ts";
import "./dag.css";

const SHOWN = 100;

/** Two versions side by side: what differs by meaning first, the texts line by line below. */
export function ComparePage() {
  const { dagId = "", pair } = useParams({ strict: false }) as { dagId?: string; pair?: string };
  const { common } = useT();
  const numbers = pairOf(pair);
  return numbers ? <Compare dagId={dagId} older={numbers[0]} newer={numbers[1]} /> : <Empty title={common.page_not_found} />;
}

function Compare({ dagId, older, newer }: { dagId: string; older: number; newer: number }) {
  const { dag: t } = useT();
  const query = useQuery(versionDiff(dagId, older, newer));
  const title = t.compare_title(dagId, older, newer);
  useEffect(() => void (document.title = `${title} · Mainspring`), [title]);
  return (
    <>
      <div className="head">
        <div>
          <h1 className="row wrap anywhere">{title}</h1>
          {query.data && (
            <p className="facts small">
              <Described version={query.data.older} />
              <Described version={query.data.newer} />
            </p>
          )}
        </div>
        <Choice dagId={dagId} older={older} newer={newer} />
      </div>
      <Loaded query={query} rows={8} what={`v${older}, v${newer}`}>
        {(diff) => (
          <div className="run-body">
            <Changes changes={diff.changes} />
            <Texts diff={diff} />
          </div>
        )}
      </Loaded>
    </>
  );
}

function Described({ version }: { version: DescribedVersion }) {
  const { dag: t } = useT();
  return (
    <span>
      <b>v{version.version_number}</b> <Ago at={version.created_at} />
      {version.created_by && `, ${t.by(version.created_by)}`}
      {version.message && `: ${version.message}`}
    </span>
  );
}

/** Which two versions; the answer is an address. */
function Choice({ dagId, older, newer }: { dagId: string; older: number; newer: number }) {
  const { dag: t } = useT();
  const navigate = useNavigate();
  const { data } = useQuery(versions(dagId, SHOWN));
  const [from, setFrom] = useState(older);
  const [to, setTo] = useState(newer);
  const numbers = data?.dag_versions.map((each) => each.version_number) ?? [newer, older];
  const select = (label: string, value: number, set: (value: number) => void) => (
    <select className="inp small" aria-label={label} value={value} onChange={(event) => set(Number(event.target.value))}>
      {numbers.map((each) => (
        <option key={each} value={each}>
          v{each}
        </option>
      ))}
    </select>
  );
  return (
    <div className="acts">
      {select(t.older, from, setFrom)}
      {select(t.newer, to, setTo)}
      <Button primary onClick={() => void navigate({ href: `/dags/${encodeURIComponent(dagId)}/versions/${from}...${to}` })}>
        {t.compare}
      </Button>
    </div>
  );
}

const SIGNS: Record<string, readonly [className: string, sign: string]> = { add: ["add", "+"], remove: ["del", "−"], change: ["mod", "~"] };

function Changes({ changes }: { changes: readonly DefinitionChange[] }) {
  const { dag: t, common } = useT();
  return (
    <Panel title={t.changes} aside={changes.length}>
      {changes.length === 0 ? (
        <p className="pad muted">{t.no_changes}</p>
      ) : (
        <ul className="diff">
          {changes.map((change, index) => {
            const [className, sign] = SIGNS[change.op] ?? ["mod", "~"];
            return (
              <li key={index}>
                <span className={`op ${className}`} aria-hidden="true">
                  {sign}
                </span>
                <div>
                  <p className="anywhere">{common.said(change.text)}</p>
                  {change.op === "change" && (
                    <p className="change-values">
                      <span className="was">{textOf(change.before)}</span>
                      <span>{textOf(change.after)}</span>
                    </p>
                  )}
                </div>
              </li>
            );
          })}
        </ul>
      )}
    </Panel>
  );
}

function Texts({ diff }: { diff: VersionDiff }) {
  const { dag: t } = useT();
  const rows = useMemo(() => diffRows(diff.diff), [diff.diff]);
  const signs = { same: " ", added: "+", removed: "−", gap: "" };
  return (
    <Panel title={t.texts} aside={diff.form === "sent" ? t.as_sent : t.as_json}>
      {rows.length === 0 ? (
        <p className="pad muted">{t.same_texts}</p>
      ) : (
        <div className="udiff" tabIndex={0} role="region" aria-label={t.texts}>
          {rows.map((row, index) =>
            row.kind === "gap" ? (
              <div key={index} className="gap" />
            ) : (
              <div key={index} className={row.kind}>
                <span className="no">{row.older}</span>
                <span className="no">{row.newer}</span>
                <span className="sign">{signs[row.kind]}</span>
                <span>{row.text}</span>
              </div>
            ),
          )}
        </div>
      )}
    </Panel>
  );
}
