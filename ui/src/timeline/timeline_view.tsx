import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useRef, type CSSProperties, type KeyboardEvent, type MouseEvent } from "react";
import { useLanguage, useT } from "../i18n/index.tsx";
import { Glyph, useReason, useStateWord } from "../kit/state.tsx";
import { useClock } from "../kit/time.tsx";
import { duration, roughly, time, timeWithSeconds } from "../time/format.ts";
import { instanceName, roleOf } from "../kit/instance.ts";
import type { Bar, Timeline, TimelineInstance, TimelineRow } from "./rows.ts";
import type { TimeScale } from "./scale.ts";
import "./timeline.css";
import { fillOf } from "./fills.ts";

interface Props {
  timeline: Timeline;
  /** The key of the chosen row; see `keyOf`. */
  chosen: string | null;
  isActive: boolean;
  hrefOf(instance: TimelineInstance): string;
  onChoose(instance: TimelineInstance): void;
  onOpen(instance: TimelineInstance): void;
  /** Shows the instances of a mapped task as rows, or folds them again. */
  onExpand(taskId: string): void;
}

const ROW = 26;
const ROW_TOUCH = 44;

/** Rows are tasks, bars are tries; the whole row is the target. Only the rows in sight are in the document. */
export function TimelineView({ timeline, chosen, isActive, hrefOf, onChoose, onOpen, onExpand }: Props) {
  const { run: t, common } = useT();
  const box = useRef<HTMLDivElement>(null);
  const height = window.matchMedia("(max-width: 640px)").matches ? ROW_TOUCH : ROW;
  const { rows, scale } = timeline;
  const virtualizer = useVirtualizer<HTMLDivElement, Element>({ count: rows.length, getScrollElement: () => box.current, estimateSize: () => height, overscan: 24, initialRect: { width: 0, height: 620 }, useFlushSync: false });
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const at = rows.findIndex((row) => row.key === chosen);
    if (step === undefined || rows.length === 0) return;
    event.preventDefault();
    const next = Math.min(rows.length - 1, Math.max(0, at + step));
    virtualizer.scrollToIndex(next);
    onChoose(rows[next]!.instance);
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-row="${next}"] a`)?.focus());
  };
  const tasks = new Set(rows.map((row) => row.instance.task_id)).size;
  const instances = rows.reduce((sum, row) => sum + instancesOf(row.instance), 0);
  return (
    <div className="tl" ref={box} onKeyDown={onKeyDown}>
      <div className="tl-row tl-head">
        <span className="nm dim">
          <span className="hide-s">{t.tasks_instances(tasks, instances)}</span>
          <span className="only-s">{common.count_tasks(tasks)}</span>
        </span>
        <Axis scale={scale} />
        <span />
      </div>
      <div className="tl-rows" style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map((item) => {
          const row = rows[item.index]!;
          return <Row key={row.key} index={item.index} row={row} scale={scale} isChosen={row.key === chosen} isFirst={chosen === null && item.index === 0} isActive={isActive} href={hrefOf(row.instance)} onChoose={onChoose} onOpen={onOpen} onExpand={onExpand} style={{ height, transform: `translateY(${item.start}px)` }} />;
        })}
      </div>
    </div>
  );
}

const instancesOf = ({ counts }: TimelineInstance): number => (counts ? Object.values(counts).reduce((sum, count) => sum + count, 0) : 1);

function Axis({ scale }: { scale: TimeScale }) {
  const { run: t } = useT();
  const clock = useClock();
  const isShort = scale.ticks.length > 1 && scale.ticks[1]! - scale.ticks[0]! < 60_000;
  const text = isShort ? timeWithSeconds : time;
  return (
    <span className="axis" aria-hidden="true">
      {scale.ticks.map((tick) => (
        <span key={tick} style={{ "--a": scale.position(tick) }}>
          {text(clock, tick)}
        </span>
      ))}
      {scale.cuts.map((cut) => (
        <span key={cut.start} className="gap" title={t.gap_cut(roughly(clock.language, (cut.end - cut.start) / 1000))} style={{ "--a": (scale.position(cut.start) + scale.position(cut.end)) / 2 }}>
          ⫽
        </span>
      ))}
    </span>
  );
}

interface RowProps {
  index: number;
  row: TimelineRow;
  scale: TimeScale;
  isChosen: boolean;
  isFirst: boolean;
  isActive: boolean;
  href: string;
  onChoose(instance: TimelineInstance): void;
  onOpen(instance: TimelineInstance): void;
  onExpand(taskId: string): void;
  style: CSSProperties;
}

const Row = memo(({ index, row, scale, isChosen, isFirst, isActive, href, onChoose, onOpen, onExpand, style }: RowProps) => {
  const { run: t } = useT();
  const { language } = useLanguage();
  const word = useStateWord();
  const { instance, bars, ran } = row;
  const total = instancesOf(instance);
  const name = instanceName(instance.task_id, instance.rendered_map_index);
  const role = roleOf(t, instance);
  const text = useRowText(row);
  const took = ran === null ? "" : duration(language, ran);
  const label = [name, role, word(instance.state), instance.tries.length > 1 && t.tries_count(instance.tries.length), took, text].filter(Boolean).join(", ");
  const choose = (event: MouseEvent): void => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    onChoose(instance);
  };
  const isFirstInstance = instance.map_index === 0;
  const expand = (event: MouseEvent): void => {
    event.stopPropagation();
    onExpand(instance.task_id);
  };
  return (
    <div className={`tl-row${isChosen ? " sel" : ""}`} style={style} data-row={index} onClick={choose} onDoubleClick={() => onOpen(instance)}>
      <span className="nm">
      <a className="cut" href={href} aria-label={label} aria-current={isChosen ? "true" : undefined} tabIndex={isChosen || isFirst ? 0 : -1} onKeyDown={(event) => isEnter(event) && onOpen(instance)}>
        <Glyph state={instance.state} />
        <span className="cut">{name}</span>
        {role && <span className="role">{role}</span>}
      </a>
      {(instance.counts || isFirstInstance) && (
        <button type="button" className="tl-fold dim" aria-expanded={isFirstInstance} title={isFirstInstance ? t.fold : t.expand} onClick={expand}>
          {isFirstInstance ? "−" : `×${total}`} <span className="vh">{isFirstInstance ? t.fold : t.expand}</span>
        </button>
      )}
      </span>
      <span className="lane" aria-hidden="true">
        {scale.ticks.map((tick) => (
          <i key={tick} className="line" style={{ "--a": scale.position(tick) }} />
        ))}
        {scale.cuts.map((cut) => (
          <i key={cut.start} className="cut" style={{ "--a": scale.position(cut.start), "--w": scale.position(cut.end) - scale.position(cut.start) }} />
        ))}
        {bars.map((bar, at) => (
          <b key={at} className={classOf(bar, row.isCritical)} style={{ "--a": bar.from, "--w": bar.to - bar.from }} />
        ))}
        {text && <LaneText text={text} bars={bars} />}
        {isActive && <i className="now" style={{ "--a": scale.position(scale.end) }} />}
      </span>
      <span className="du" aria-hidden="true">
        {took}
      </span>
    </div>
  );
});

/** Words where there is no bar; behind the bars, how far a mapped task has come. */
function useRowText({ instance, bars }: TimelineRow): string {
  const { run: t } = useT();
  const reason = useReason();
  const clock = useClock();
  if (instance.counts) {
    const all = instancesOf(instance);
    const bad = instance.counts["failed"] ?? 0;
    return bad > 0 ? t.failed_of(bad, all) : t.done_of(instance.counts["success"] ?? 0, all);
  }
  if (bars.length > 0) return "";
  const names = instance.upstream.join(", ");
  if (instance.state === "upstream_failed") return t.did_not_run(names, instance.upstream_more);
  if (instance.state === "scheduled") return names ? t.waits_for_tasks(names, instance.upstream_more) : t.waits_for_place;
  if (instance.state === "queued") return t.waits_for_worker;
  if (instance.state === "up_for_retry" && instance.not_before) return t.next_try_at(timeWithSeconds(clock, Date.parse(instance.not_before)));
  return reason(instance.text ?? instance.state_reason);
}

/** Beside the last bar, on the side that has the room. */
function LaneText({ text, bars }: { text: string; bars: readonly Bar[] }) {
  const end = bars.at(-1)?.to ?? 0;
  if (end > 0.75) {
    return (
      <span className="try before" style={{ "--a": bars[0]!.from }}>
        {text}
      </span>
    );
  }
  return (
    <span className="try" style={{ "--a": end, "--w": 0 }}>
      {text}
    </span>
  );
}

function classOf(bar: Bar, isCritical: boolean): string {
  if (bar.kind === "wait") return "w";
  if (bar.kind === "gap") return "u";
  const fill = fillOf(bar.state ?? "");
  return isCritical ? `${fill} k` : fill;
}

/** Enter opens the row; what a click does, choosing it, is left out then. */
function isEnter(event: KeyboardEvent): boolean {
  if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return false;
  event.preventDefault();
  return true;
}
