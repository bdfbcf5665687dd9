const FILLS: Readonly<Record<string, string>> = { failed: "f", cancelled: "f", lost: "f", interrupted: "b-skipped", running: "r", restarting: "r" };

/** The class of the bar of a try. A bar whose class has no rule looks like a success. */
export function fillOf(state: string): string {
  return FILLS[state] ?? `b-${state}`;
}
