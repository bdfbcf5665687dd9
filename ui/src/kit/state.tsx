import type { StateWord } from "../i18n/en/common.ts";
import { useT } from "../i18n/index.tsx";

/** Hue = family, solid or hollow = cause, shape = state. What a state looks like everywhere on the page. */
const GLYPHS: Record<StateWord, string> = {
  success: "success",
  failed: "failed",
  running: "running",
  restarting: "running",
  queued: "queued",
  scheduled: "scheduled",
  skipped: "skipped",
  upstream_failed: "upstream",
  up_for_retry: "retry",
  retrying: "retry",
  deferred: "deferred",
  removed: "removed",
  late: "late",
  asks: "ask",
  paused: "skipped",
  none: "scheduled",
};

const FAMILIES: Record<StateWord, "ok" | "bad" | "run" | "retry" | "wait" | ""> = {
  success: "ok",
  failed: "bad",
  running: "run",
  restarting: "run",
  queued: "run",
  scheduled: "",
  skipped: "",
  upstream_failed: "bad",
  up_for_retry: "retry",
  retrying: "retry",
  deferred: "wait",
  removed: "",
  late: "retry",
  asks: "wait",
  paused: "",
  none: "",
};

/** A state that a newer server knows and this page does not is drawn as one that is not yet there, and named as sent. */
export const known = (state: string | null | undefined): StateWord => (state && state in GLYPHS ? (state as StateWord) : "none");

export const familyOf = (state: string | null | undefined) => FAMILIES[known(state)];

/** The glyph alone. For a reader it says nothing: a word or a label stands beside it. */
export const Glyph = ({ state, large = false }: { state: string | null | undefined; large?: boolean }) => (
  <i className={`s s-${GLYPHS[known(state)]}${large ? " s-lg" : ""}`} aria-hidden="true" />
);

/** The word of a state in the reader's language. */
export function useStateWord(): (state: string | null | undefined) => string {
  const { common } = useT();
  return (state) => (state && !(state in GLYPHS) ? state : common.states[known(state)]);
}

/** Glyph and word: never colour alone. The word is the state's unless another is given. */
export function State({ state, className = "", word }: { state: string | null | undefined; className?: string; word?: string | undefined }) {
  const wordOf = useStateWord();
  return (
    <span className={`st ${className}`}>
      <Glyph state={state} />
      {word ?? wordOf(state)}
    </span>
  );
}

/** A tinted badge with glyph and word. */
export function Badge({ state, text }: { state: string | null | undefined; text?: string }) {
  const word = useStateWord();
  return (
    <span className={`badge ${familyOf(state)}`}>
      <Glyph state={state} />
      {text ?? word(state)}
    </span>
  );
}

/** The sentence of a reason; one that this page does not know is shown as sent. */
export function useReason(): (reason: string | null | undefined) => string {
  const { reasons } = useT();
  return (reason) => (reason ? ((reasons as Record<string, string>)[reason] ?? reason) : "");
}
