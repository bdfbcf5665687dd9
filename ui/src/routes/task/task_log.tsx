import { useLocation, useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback, useMemo } from "react";
import type { Schema } from "../../api/client.ts";
import type { TaskAddress } from "../../api/run.ts";
import { useQuery } from "@tanstack/react-query";
import { taskTries } from "../../api/run.ts";
import { useT } from "../../i18n/index.tsx";
import { useKeys } from "../../keys/keys.ts";
import { Glyph } from "../../kit/state.tsx";
import { useClock } from "../../kit/time.tsx";
import { LogView } from "../../log/log_view.tsx";
import { logSource } from "../../log/source.ts";
import { timeWithSeconds } from "../../time/format.ts";
import { TryChoice } from "../run/task_panel.tsx";

/** The log of one try: the address holds the try, the search and the line. */
export function TaskLog({ task, instance, shown }: { task: TaskAddress; instance: Schema<"TaskInstance">; shown: number }) {
  const search: { q?: string } = useSearch({ strict: false });
  const { hash } = useLocation();
  const navigate = useNavigate();
  const { dagId, runId, taskId, mapIndex } = task;
  const source = useMemo(() => logSource({ dagId, runId, taskId, mapIndex, tryNumber: shown }), [dagId, runId, taskId, mapIndex, shown]);
  const { data: tries } = useQuery(taskTries(task));
  const own = tries?.task_instances.find((each) => each.try_number === shown) ?? (shown === instance.try_number ? instance : undefined);
  const state = own?.state ?? null;
  const change = useCallback((next: Record<string, unknown>, to = "") => void navigate({ to: ".", search: (before: Record<string, unknown>) => ({ ...before, ...next }), hash: to, replace: true, resetScroll: false }), [navigate]);
  const onHash = useCallback((next: string) => change({}, next.replace("#", "")), [change]);
  const onTry = (n: number): void => change({ try: n === instance.try_number ? undefined : n });
  useKeys({
    Comma: () => shown > 1 && onTry(shown - 1),
    Period: () => shown < instance.try_number && onTry(shown + 1),
  });
  const isRunning = shown === instance.try_number && (state === "running" || state === "queued");
  return (
    <LogView
      source={source}
      isFailed={state === "failed" || state === "up_for_retry" || shown < instance.try_number}
      isRunning={isRunning}
      query={search.q ?? ""}
      onQuery={(text) => change({ q: text || undefined }, hash)}
      hash={hash}
      onHash={onHash}
      tries={instance.try_number > 1 && <TryChoice latest={instance.try_number} shown={shown} onTry={onTry} />}
      ending={<Ending instance={own} />}
      startedAt={own?.start_date ? Date.parse(own.start_date) : null}
    />
  );
}

function Ending({ instance }: { instance: { state?: string | null; start_date?: string | null; end_date?: string | null } | undefined }) {
  const { task: t } = useT();
  const clock = useClock();
  if (!instance) return null;
  const { start_date: start, end_date: end } = instance;
  const text = end ? t.ended(timeWithSeconds(clock, Date.parse(end))) : start ? t.started(timeWithSeconds(clock, Date.parse(start))) : "";
  return (
    <span className="st">
      <Glyph state={instance.state} />
      {text}
    </span>
  );
}
