import { useLanguage, useT } from "../../i18n/index.tsx";
import { Glyph } from "../../kit/state.tsx";
import { duration } from "../../time/format.ts";

type Facts = Record<string, unknown>;
const factsOf = (value: unknown): Facts => (typeof value === "object" && value !== null ? (value as Facts) : {});
const numberOf = (...values: unknown[]): number | undefined => values.find((value) => typeof value === "number") as number | undefined;

/** Schedulers, workers and the database in words; only what is wrong has a colour. */
export function HealthWords({ health }: { health: Facts | undefined }) {
  const { home } = useT();
  const { language } = useLanguage();
  if (!health) return null;
  const scheduler = factsOf(health["scheduler"] ?? health["schedulers"]);
  const worker = factsOf(health["worker"] ?? health["workers"]);
  const database = factsOf(health["metadatabase"] ?? health["database"]);
  const isSchedulerWell = scheduler["status"] !== "unhealthy";
  const behind = numberOf(scheduler["behind_seconds"], scheduler["lag_seconds"], scheduler["behind"]);
  const alive = numberOf(worker["alive"], worker["running"], worker["healthy"]);
  const all = numberOf(worker["total"], worker["expected"], worker["all"], alive);
  const isDatabaseWell = database["status"] !== "unhealthy";
  return (
    <div className="acts row wrap" style={{ gap: "4px 14px", minBlockSize: "28px" }}>
      <Fact isWell={isSchedulerWell} text={isSchedulerWell ? home.schedulers(numberOf(scheduler["alive"], scheduler["count"]) ?? 1) + (behind !== undefined ? home.behind(duration(language, behind)) : "") : home.no_scheduler} />
      {alive !== undefined && all !== undefined && Boolean(worker["status"]) && <Fact isWell={alive === all && alive > 0} text={alive ? home.workers(alive, all) : home.no_workers} />}
      <Fact isWell={isDatabaseWell} text={isDatabaseWell ? home.database : home.database_down} />
    </div>
  );
}

const Fact = ({ isWell, text }: { isWell: boolean; text: string }) => (
  <span className={`st small${isWell ? "" : " t-retry"}`}>
    <Glyph state={isWell ? "success" : "late"} />
    {text}
  </span>
);
