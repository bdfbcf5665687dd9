import { describe, expect, it } from "vitest";
import { hunksOf, merged } from "./merge.ts";

const BASE = "dag_id: etl\nschedule: daily\ntasks:\n  one: {}\n  two: {}\n";

describe("a merge of two changes", () => {
  it("takes both where they are apart", () => {
    const mine = BASE.replace("daily", "hourly");
    const theirs = BASE.replace("two: {}", "two: {retries: 3}");
    expect(merged(BASE, mine, theirs)).toBe("dag_id: etl\nschedule: hourly\ntasks:\n  one: {}\n  two: {retries: 3}\n");
  });
  it("takes a change that both made once", () => {
    const both = BASE.replace("daily", "hourly");
    expect(merged(BASE, both, both)).toBe(both);
  });
  it("says where both changed the same lines", () => {
    expect(merged(BASE, BASE.replace("daily", "hourly"), BASE.replace("daily", "weekly"))).toBeNull();
    expect(merged(BASE, `${BASE}a\n`, `${BASE}b\n`)).toBeNull();
  });
  it("keeps the one that changed", () => {
    expect(merged(BASE, BASE, "")).toBe("");
    expect(merged(BASE, "new", BASE)).toBe("new");
    expect(merged("", "a", "")).toBe("a");
  });
});

it("finds what differs, and applying it gives the other text", () => {
  let seed = 7;
  const random = (below: number): number => (seed = (seed * 48_271) % 2_147_483_647) % below;
  for (let round = 0; round < 200; round += 1) {
    const text = () => Array.from({ length: random(12) }, () => "abcd"[random(4)] ?? "");
    const [base, other] = [text(), text()];
    const lines = [...base];
    for (const hunk of hunksOf(base, other).toReversed()) lines.splice(hunk.from, hunk.to - hunk.from, ...hunk.lines);
    expect(lines).toEqual(other);
  }
});
