import { useQuery } from "@tanstack/react-query";
import { useSearch } from "@tanstack/react-router";
import type { Schema } from "../../api/client.ts";
import { definition, versions } from "../../api/run.ts";
import { sentText } from "../../api/versions.ts";
import { useT } from "../../i18n/index.tsx";
import { Loaded, Panel } from "../../kit/panel.tsx";
import { Anchor } from "../anchor.tsx";
import { GraphPanel } from "../run/graph_panel.tsx";
import { graphOf } from "../run/overview.tsx";
import { useSearchChange } from "../search_change.ts";
import { yamlPieces } from "./diff.ts";
import "./dag.css";

const SHOWN = 100;

/** One version of a definition: its graph, and the text as its author sent it. */
export function DefinitionTab({ dagId }: { dagId: string }) {
  const search: { version?: number; task?: string; view?: "graph" | "table" | "gantt" } = useSearch({ strict: false });
  const known = useQuery(versions(dagId, SHOWN));
  const version = search.version ?? known.data?.dag_versions[0]?.version_number;
  const query = useQuery({ ...definition(dagId, version), enabled: version !== undefined });
  if (version === undefined) return <Loaded query={known}>{() => null}</Loaded>;
  return (
    <div className="run-body">
      <Loaded query={query} rows={6} what={`v${version}`}>
        {(content) => <DefinitionGraph content={content as Schema<"Definition">} version={version} chosen={search.task ?? null} view={search.view === "gantt" ? undefined : search.view} />}
      </Loaded>
      <TextPanel dagId={dagId} version={version} content={query.data} mediaType={known.data?.dag_versions.find((each) => each.version_number === version)?.source_media_type} numbers={known.data?.dag_versions.map((each) => each.version_number) ?? [version]} />
    </div>
  );
}

function DefinitionGraph({ content, version, chosen, view }: { content: Schema<"Definition">; version: number; chosen: string | null; view: "graph" | "table" | undefined }) {
  const change = useSearchChange();
  const hrefOf = (taskId: string): string => `?version=${version}&task=${encodeURIComponent(taskId)}`;
  const choose = (taskId: string): void => change({ task: taskId });
  return <GraphPanel graph={graphOf(content)} version={version} chosen={chosen} isDimming={chosen !== null} view={view} hrefOf={hrefOf} onChoose={choose} onOpen={choose} onView={(next) => change({ view: next })} />;
}

interface TextProps {
  dagId: string;
  version: number;
  content: unknown;
  /** Of the text as sent; undefined = unknown. */
  mediaType: string | null | undefined;
  numbers: readonly number[];
}

function TextPanel({ dagId, version, content, mediaType, numbers }: TextProps) {
  const { dag: t } = useT();
  const change = useSearchChange();
  const sent = useQuery(sentText(dagId, version));
  const before = numbers.find((each) => each < version);
  const actions = (
    <>
      {before !== undefined && (
        <Anchor className="btn bare small" href={`/dags/${encodeURIComponent(dagId)}/versions/${before}...${version}`}>
          {t.compare_with(before)}
        </Anchor>
      )}
      <select className="inp small" aria-label={t.versions} value={version} onChange={(event) => change({ version: Number(event.target.value) })}>
        {numbers.map((each) => (
          <option key={each} value={each}>
            v{each}
          </option>
        ))}
      </select>
    </>
  );
  return (
    <Panel title={t.definition_of(version)} aside={sent.data === null ? t.as_json : sent.data !== undefined ? t.as_sent : ""} actions={actions}>
      <Loaded query={sent} rows={8}>
        {(text) => <Code label={t.definition_of(version)} text={text ?? (content === undefined ? "" : JSON.stringify(content, null, 2))} isYaml={text !== null && mediaType !== "application/json"} />}
      </Loaded>
    </Panel>
  );
}

function Code({ label, text, isYaml }: { label: string; text: string; isYaml: boolean }) {
  return (
    <div className="code sent" tabIndex={0} role="region" aria-label={label}>
      {text
        .replace(/\n$/, "")
        .split("\n")
        .map((line, index) => (
          <div key={index}>
            <span>
              {isYaml
                ? yamlPieces(line).map((piece, at) => (
                    <span key={at} className={piece.className}>
                      {piece.text}
                    </span>
                  ))
                : line}
            </span>
          </div>
        ))}
    </div>
  );
}
