import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { summary } from "../../api/queries.ts";
import type { Summary } from "../../api/shapes.ts";
import { useLanguage, useT } from "../../i18n/index.tsx";
import { Boundary } from "../../kit/panel.tsx";
import { count } from "../../time/format.ts";
import { AttentionPanel } from "./attention.tsx";
import { DagsPanel } from "./dags.tsx";
import { DayOfRuns } from "./day.tsx";
import { HealthWords } from "./health.tsx";

export function HomePage() {
  const { home } = useT();
  const query = useQuery(summary());
  const headline = query.data && headlineOf(query.data, home);
  useEffect(() => {
    document.title = headline ? `${headline} · Mainspring` : "Mainspring";
  }, [headline]);
  return (
    <>
      <div className="head">
        <h1>{headline ?? home.title}</h1>
        {query.data && <Facts counts={query.data.counts} />}
        <HealthWords health={query.data?.health} />
      </div>
      <Boundary>
        <DayOfRuns />
      </Boundary>
      <AttentionPanel query={query} />
      <DagsPanel counts={query.data?.counts} />
    </>
  );
}

function headlineOf({ counts }: Summary, home: ReturnType<typeof useT>["home"]): string {
  const parts = [counts.failing && home.fail(counts.failing), counts.late && home.late(counts.late), counts.approvals && home.wait(counts.approvals)].filter(Boolean);
  if (parts.length) return parts.join(", ");
  return counts.runs_24h || counts.running || counts.queued ? home.all_well : home.nothing_yet;
}

function Facts({ counts }: { counts: Summary["counts"] }) {
  const { home } = useT();
  const { language } = useLanguage();
  const share = counts.runs_24h ? new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: 1 }).format(counts.success_24h / counts.runs_24h) : "";
  return (
    <p className="facts beside">
      <span>{home.running(count(language, counts.running))}</span>
      <span>{home.queued(count(language, counts.queued))}</span>
      {counts.runs_24h > 0 && <span className="hide-s">{home.last_day(count(language, counts.runs_24h), share)}</span>}
    </p>
  );
}
