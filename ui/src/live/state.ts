import { useSyncExternalStore } from "react";

export type Mode = "connecting" | "live" | "reconnecting" | "polling" | "paused" | "offline";

export interface Live {
  mode: Mode;
  /** Since when the page has what it shows, in milliseconds; null = it is up to date. */
  staleSince: number | null;
  /** Changes that wait while updates are paused. */
  waiting: number;
}

const POLL_SECONDS = 5;
let state: Live = { mode: "connecting", staleSince: null, waiting: 0 };
const listeners = new Set<() => void>();

export const getLive = (): Live => state;

export function setLive(change: Partial<Live>): void {
  state = { ...state, ...change };
  listeners.forEach((listener) => listener());
}

const subscribe = (listener: () => void) => {
  listeners.add(listener);
  return () => void listeners.delete(listener);
};

export const useLive = (): Live => useSyncExternalStore(subscribe, getLive);

/** How often a query asks again by itself: never while the stream says what changes; in a visible tab only. */
export const pollEvery = (): number | false => ((state.mode === "polling" || state.mode === "offline") && document.visibilityState === "visible" ? POLL_SECONDS * 1000 : false);

/** Whether changing buttons are off: the server does not answer. */
export const useIsOffline = (): boolean => useLive().mode === "offline";

let beforePause: Mode = "connecting";
const paused = new Set<() => void>();
const resumed = new Set<() => void>();

/** Freeze what is shown, or show all that came since. */
export function togglePause(): void {
  if (state.mode === "paused") {
    setLive({ mode: beforePause, waiting: 0 });
    resumed.forEach((listener) => listener());
  } else {
    beforePause = state.mode;
    setLive({ mode: "paused", waiting: 0 });
    paused.forEach((listener) => listener());
  }
}

/** Calls back when the reader begins a pause. */
export const onPause = (listener: () => void): void => void paused.add(listener);

/** Calls back when the reader ends a pause. */
export const onResume = (listener: () => void): void => void resumed.add(listener);
