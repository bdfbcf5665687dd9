import { expect, it } from "vitest";
import { EventParser } from "./sse.ts";

const TEXT = ': hello\n\nid: 0193a7\nevent: task\ndata: {"dag_id":"etl","state":"failed","seq":87}\n\nid: 0193a8\nevent: run\ndata: {"dag_id":"etl",\ndata: "state":"failed"}\n\n: beat\n\n';

it("reads events wherever the text is cut", () => {
  const whole = new EventParser().push(TEXT);
  expect(whole).toEqual([
    { id: "0193a7", event: "task", data: { dag_id: "etl", state: "failed", seq: 87 } },
    { id: "0193a8", event: "run", data: { dag_id: "etl", state: "failed" } },
  ]);
  for (let cut = 0; cut <= TEXT.length; cut += 1) {
    const parser = new EventParser();
    expect([...parser.push(TEXT.slice(0, cut)), ...parser.push(TEXT.slice(cut))]).toEqual(whole);
  }
});

it("reads lines that end in CR and LF, and leaves out what is broken", () => {
  const parser = new EventParser();
  expect(parser.push("id: 1\r\nevent: dag\r\ndata: {}\r\n\r\nid: 2\nevent: dag\ndata: {broken\n\n")).toEqual([{ id: "1", event: "dag", data: {} }]);
});
