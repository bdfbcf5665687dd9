/** An event of the feed, as `GET /api/v2/events` streams it. */
export interface FeedEvent {
  id: string;
  event: string;
  data: EventData;
}

export interface EventData {
  at?: string;
  dag_id?: string;
  dag_run_id?: string;
  task_id?: string;
  map_index?: number;
  try_number?: number | null;
  state?: string;
  seq?: number;
  reason?: string;
}

/** Reads server-sent events from pieces of text, wherever the pieces are cut. Comments and broken events are left out. */
export class EventParser {
  private rest = "";
  private id = "";
  private event = "";
  private data: string[] = [];

  /** The events that this piece completes. */
  push(piece: string): FeedEvent[] {
    const events: FeedEvent[] = [];
    const lines = (this.rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line) this.field(line);
      else this.end(events);
    }
    return events;
  }

  private field(line: string): void {
    const colon = line.indexOf(":");
    if (colon === 0) return;
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "id") this.id = value;
    else if (name === "event") this.event = value;
    else if (name === "data") this.data.push(value);
  }

  private end(events: FeedEvent[]): void {
    if (this.data.length > 0) {
      try {
        events.push({ id: this.id, event: this.event || "message", data: JSON.parse(this.data.join("\n")) as EventData });
      } catch {
        // An event that cannot be read is as good as none: the next snapshot has what it said.
      }
    }
    this.event = "";
    this.data = [];
  }
}
