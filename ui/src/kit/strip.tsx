import type { OverviewRun } from "../api/shapes.ts";

const CLASSES: Record<string, string> = { failed: "f", running: "r", queued: "q", success: "" };

/** Heights of bars, 0 to 1: a run of the median length is half as high as the highest that is drawn. */
export const heightOf = (duration: number | null, median: number | null): number => {
  if (duration === null || !median) return 0.5;
  return Math.min(1, Math.max(0.12, (duration / median) * 0.5));
};

/** The last runs of a DAG, oldest first. Height = duration against the median; a gap and a foot under failed ones. */
export function Strip({ runs, median, places = 20 }: { runs: readonly OverviewRun[]; median: number | null; places?: number }) {
  const shown = runs.slice(-places);
  const empty = places - shown.length;
  return (
    <>
      {Array.from({ length: empty }, (_, index) => (
        <i key={`empty ${index}`} className="n" />
      ))}
      {shown.map(([id, state, , , duration]) => (
        <i key={id} className={CLASSES[state] ?? ""} style={{ "--h": heightOf(duration, median) }} />
      ))}
    </>
  );
}
