import { memo } from "react";
import { familyOf, known } from "../kit/state.tsx";

/** The glyph of a state inside of a drawing, 14 px wide, with its middle at (0, 0); kit.css has the same as masks. */
export const GraphGlyph = memo(({ state }: { state: string | null | undefined }) => <g className={`gg gg-${familyOf(state) || "mute"}`}>{shapeOf(state)}</g>);

function shapeOf(state: string | null | undefined) {
  switch (known(state)) {
    case "success":
      return (
        <>
          <circle className="solid" r="6.5" />
          <path className="cut" d="m-3 .2 2.2 2.2 4-4.4" />
        </>
      );
    case "failed":
      return (
        <>
          <rect className="solid" x="-6.5" y="-6.5" width="13" height="13" rx="2.5" />
          <path className="cut" d="m-2.6-2.6 5.2 5.2m0-5.2-5.2 5.2" />
        </>
      );
    case "running":
    case "restarting":
      return (
        <>
          <path className="arc" d="M0-5.7A5.7 5.7 0 1 1-5.7 0" />
          <circle className="solid" r="1.9" />
        </>
      );
    case "up_for_retry":
    case "retrying":
      return (
        <>
          <path className="solid" d="M0-7.5 7.5 0 0 7.5-7.5 0z" />
          <path className="cut" d="M2.6 1.4A3 3 0 1 1 2.3-1.8M2.9-3.6v2.2H.6" />
        </>
      );
    case "asks":
      return (
        <>
          <circle className="solid" r="6.5" />
          <path className="cut" d="M-2-1.6a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.3m0 2v.1" />
        </>
      );
    case "upstream_failed":
      return <path className="hollow" d="M-3.8-5.8h7.6a2 2 0 0 1 2 2v7.6a2 2 0 0 1-2 2h-7.6a2 2 0 0 1-2-2v-7.6a2 2 0 0 1 2-2zm-.8 10.4 9.2-9.2" />;
    case "removed":
      return <rect className="hollow dashed" x="-5.8" y="-5.8" width="11.6" height="11.6" rx="2" />;
    default:
      return <Ring state={known(state)} />;
  }
}

const INSIDES: Record<string, string> = {
  queued: "M-2.6 0v.01M0 0v.01M2.6 0v.01",
  deferred: "M-1.5-2.2v4.4M1.5-2.2v4.4",
  skipped: "M-2.4 0h4.8",
  paused: "M-2.4 0h4.8",
  late: "M0-3v3l2 1.3",
};

const Ring = ({ state }: { state: string }) => (
  <>
    <circle className={`hollow${state === "scheduled" || state === "none" ? " dotted" : ""}`} r="5.8" />
    {INSIDES[state] && <path className="hollow" d={INSIDES[state]} />}
  </>
);
