import { expect, test } from "vitest";
import { requestOf } from "./dry_run.ts";

const BODY = { logical_date: null, conf: { who: "it's" }, note: 'say "hi"' };

test("a request for a terminal keeps quotes", () => {
  expect(requestOf("curl", "etl", BODY)?.at(-1)).toBe(`  -d '{"logical_date":null,"conf":{"who":"it'\\''s"},"note":"say \\"hi\\""}'`);
  expect(requestOf("CLI", "etl", BODY)).toEqual(["mainspring run etl \\", `  --conf '{"who":"it'\\''s"}' \\`, `  --note 'say "hi"'`]);
  expect(requestOf("CLI", "a b", { logical_date: null })).toEqual(["mainspring run 'a b'"]);
});

test("a request has its idempotency key", () => {
  expect(requestOf("curl", "etl", BODY, "night-1")).toContain("  -H 'Idempotency-Key: night-1' \\");
  expect(requestOf("Python", "etl", BODY, "night-1")?.at(-1)).toContain('idempotency_key="night-1"');
  expect(requestOf("curl", "etl", BODY)?.join()).not.toContain("Idempotency-Key");
});

test("the command says what it has no option for", () => {
  expect(requestOf("CLI", "etl", { logical_date: "2026-01-01T00:00:00Z" })).toBeNull();
});

test("a request in Python holds the body as text", () => {
  expect(requestOf("Python", "etl", BODY)?.[3]).toBe(`body = json.loads(${JSON.stringify(JSON.stringify(BODY))})`);
});
