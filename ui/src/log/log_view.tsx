import { useVirtualizer, type Virtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState, type MouseEvent, type ReactNode, type RefObject } from "react";
import { useLanguage, useT } from "../i18n/index.tsx";
import { useKeys } from "../keys/keys.ts";
import { Button } from "../kit/button.tsx";
import { copyText } from "../kit/copy.ts";
import { TypedInput } from "../kit/field.tsx";
import { Icon } from "../kit/icon.tsx";
import { Empty, Failure, Loading } from "../kit/panel.tsx";
import { Glyph } from "../kit/state.tsx";
import { useToast } from "../kit/toast.tsx";
import { count } from "../time/format.ts";
import { useZone } from "../time/zone.ts";
import { plainText } from "./ansi.ts";
import { hashOfLines, linesOfHash, nextOf, rangesOf, rulerMarks } from "./find.ts";
import { LineRow, type LineKind } from "./line_row.tsx";
import type { LogPages } from "./pages.ts";
import type { LogSource, MarksAnswer } from "./source.ts";
import { lineTime, useSetting, type Times } from "./settings.ts";
import { useCopy } from "./use_copy.ts";
import { useLog, useOf, useSearch, type Found } from "./use_log.ts";
import "./log.css";

interface Props {
  source: LogSource;
  isFailed: boolean;
  isRunning: boolean;
  /** What is searched, and how it changes: a part of the address. */
  query: string;
  onQuery(text: string): void;
  /** The lines that the address names, such as `#L12`. */
  hash: string;
  onHash(hash: string): void;
  /** At the start of the header: the choice of the try. */
  tries: ReactNode;
  /** At the start of the foot: how the try ended. */
  ending: ReactNode;
  /** When the try started, in milliseconds, for times relative to it; null = it has not. */
  startedAt: number | null;
}

const LINE_HEIGHT = 19;
const NO_RANGES: readonly [number, number][] = [];

/** The log of one try. The next try takes its place, and what the reader has typed or has the focus in stays. */
export function LogView(props: Props) {
  const { source, isFailed, isRunning, query, hash, onHash } = props;
  const box = useRef<HTMLDivElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const chosen = useMemo(() => linesOfHash(hash), [hash]);
  const log = useLog(source, { line: chosen?.first ?? null, isFailed, isRunning });
  const [wrap, setWrap] = useSetting("wrap", ["on", "off"], "on");
  const [times, setTimes] = useSetting("times", ["full", "relative", "off"], "full");
  const [isRegex, setRegex] = useState(false);
  const found = useSearch(source, query, isRegex);
  const rows = useRows(box, log, wrap === "on", isRunning);
  const [place, setPlace] = useOf<number | null>(source, null);
  const own = useRef<number | null>(null);
  const go = useCallback(
    (line: number) => {
      setPlace(line);
      rows.show(line);
    },
    [rows, setPlace],
  );
  useEffect(() => {
    if (log.opening?.isTarget) setPlace(log.opening.line);
  }, [log.opening, setPlace]);
  useAddressedLine(chosen?.first ?? null, log.opening !== null, own, go);
  const matchLines = useMemo(() => [...new Set(found?.matches.map(([n]) => n) ?? [])], [found]);
  useEffect(() => {
    const first = matchLines.length > 0 ? (nextOf(matchLines, (place ?? 1) - 1, false) ?? null) : null;
    if (first !== null) go(first);
    // A search goes to its first match when it answers, not when the reader moves on.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [matchLines]);
  const step = (isBack: boolean): void => {
    const next = nextOf(query ? matchLines : log.marks.errors, place ?? 0, isBack);
    if (next !== null) go(next);
  };
  const nextTimes = (): void => setTimes(times === "full" ? "relative" : times === "relative" ? "off" : "full");
  useLogKeys({ step, wrap: () => setWrap(wrap === "on" ? "off" : "on"), times: nextTimes, rows, input, source, place, onHash });
  useCopy(box, log.pages, source);
  const onNumber = useCallback(
    (n: number, event: MouseEvent) => {
      event.preventDefault();
      const first = event.shiftKey && place !== null ? Math.min(place, n) : n;
      own.current = first;
      onHash(hashOfLines(first, event.shiftKey && place !== null ? Math.max(place, n) : n));
      if (!event.shiftKey) setPlace(n);
    },
    [onHash, place, setPlace],
  );
  return (
    <section className="panel log-panel" aria-label="Log">
      <LogHeader {...props} input={input} isRegex={isRegex} setRegex={setRegex} found={found} matchLines={matchLines} place={place} step={step} marks={log.marks} goTo={go} wrap={wrap === "on"} setWrap={(on) => setWrap(on ? "on" : "off")} times={times} nextTimes={nextTimes} />
      <LogBody box={box} log={log} rows={rows} source={source} wrap={wrap === "on"} times={times} startedAt={props.startedAt} isRunning={isRunning} found={found} matchLines={matchLines} place={place} chosen={chosen} onNumber={onNumber} goTo={go} />
      <LogFoot ending={props.ending} pages={log.pages} />
    </section>
  );
}

/** Go to the line of the address when the address changes, but for a line that the reader has just clicked. */
function useAddressedLine(line: number | null, isOpen: boolean, own: RefObject<number | null>, go: (line: number) => void): void {
  const shown = useRef(line);
  const latest = useRef(go);
  latest.current = go;
  useEffect(() => {
    if (!isOpen || shown.current === line) return;
    shown.current = line;
    if (line === null || own.current === line) return;
    // Later than the router, which puts every scrolled part of a page back to where the part stood.
    const timer = setTimeout(() => latest.current(line), 50);
    return () => clearTimeout(timer);
  }, [line, isOpen, own]);
}

interface Rows {
  virtualizer: Virtualizer<HTMLDivElement, Element>;
  isFollowing: boolean;
  /** Lines that came since the reader stopped to follow. */
  unread: number;
  show(line: number): void;
  follow(): void;
  start(): void;
}

/** The rows in sight, and whether the end of a log that grows is followed. */
function useRows(box: RefObject<HTMLDivElement | null>, log: ReturnType<typeof useLog>, wrap: boolean, isRunning: boolean): Rows {
  const { pages, opening } = log;
  const total = pages.extent.total ?? 0;
  const [isFollowing, setFollowing] = useState(false);
  const [readTo, setReadTo] = useState(0);
  const virtualizer = useVirtualizer<HTMLDivElement, Element>({
    count: total,
    getScrollElement: () => box.current,
    estimateSize: () => LINE_HEIGHT,
    overscan: 15,
    useFlushSync: false,
  });
  useEffect(() => virtualizer.measure(), [virtualizer, wrap, pages]);
  useLayoutEffect(() => {
    setFollowing(false);
    setReadTo(0);
  }, [pages]);
  const opened = useRef<unknown>(null);
  useLayoutEffect(() => {
    if (!opening || total === 0 || opened.current === opening) return;
    opened.current = opening;
    setFollowing(opening.isFollowing);
    setReadTo(total);
    virtualizer.scrollToIndex(Math.min(total, opening.line) - 1, { align: opening.isTarget ? "center" : opening.line > 1 ? "end" : "start" });
  }, [opening, total, virtualizer]);
  useEffect(() => {
    if (!isFollowing || total === 0) return;
    setReadTo(total);
    virtualizer.scrollToIndex(total - 1, { align: "end" });
  }, [isFollowing, total, virtualizer]);
  useScrollStop(box, () => setFollowing(false));
  const items = virtualizer.getVirtualItems();
  const [first, last] = [items[0]?.index, items.at(-1)?.index];
  useEffect(() => {
    if (first !== undefined && last !== undefined) pages.want(first + 1, last + 1);
  }, [first, last, total, pages]);
  return useMemo(
    () => ({
      virtualizer,
      isFollowing,
      unread: isRunning && !isFollowing ? Math.max(0, total - readTo) : 0,
      show: (line: number) => {
        setFollowing(false);
        virtualizer.scrollToIndex(line - 1, { align: "center" });
      },
      follow: () => {
        if (isRunning) setFollowing(true);
        setReadTo(total);
        virtualizer.scrollToIndex(Math.max(0, total - 1), { align: "end" });
      },
      start: () => {
        setFollowing(false);
        virtualizer.scrollToIndex(0, { align: "start" });
      },
    }),
    [virtualizer, isFollowing, isRunning, total, readTo],
  );
}

/** Scrolling up by hand stops following; what the page scrolls by itself does not. */
function useScrollStop(box: RefObject<HTMLDivElement | null>, stop: () => void): void {
  const act = useRef(stop);
  act.current = stop;
  useEffect(() => {
    const element = box.current;
    if (!element) return;
    const onWheel = (event: WheelEvent): void => {
      if (event.deltaY < 0) act.current();
    };
    const onKey = (event: KeyboardEvent): void => {
      if (["ArrowUp", "PageUp", "Home"].includes(event.key)) act.current();
    };
    const onTouch = (): void => act.current();
    element.addEventListener("wheel", onWheel, { passive: true });
    element.addEventListener("keydown", onKey);
    element.addEventListener("touchmove", onTouch, { passive: true });
    return () => {
      element.removeEventListener("wheel", onWheel);
      element.removeEventListener("keydown", onKey);
      element.removeEventListener("touchmove", onTouch);
    };
  }, [box]);
}

interface LogKeys {
  step(isBack: boolean): void;
  wrap(): void;
  times(): void;
  rows: Rows;
  input: RefObject<HTMLInputElement | null>;
  source: LogSource;
  place: number | null;
  onHash(hash: string): void;
}

function useLogKeys({ step, wrap, times, rows, input, source, place, onHash }: LogKeys): void {
  const { task: t } = useT();
  const toast = useToast();
  useKeys({
    KeyN: () => step(false),
    "Shift+KeyN": () => step(true),
    KeyW: wrap,
    KeyS: times,
    KeyF: () => rows.follow(),
    KeyD: () => location.assign(source.download),
    KeyY: () => {
      if (place !== null) onHash(hashOfLines(place, place));
      void copyText(`${location.href.split("#")[0]}${place === null ? location.hash : hashOfLines(place, place)}`).then(() => toast.note(t.link_copied));
    },
    Home: () => rows.start(),
    End: () => rows.follow(),
    "/": () => input.current?.focus(),
  });
  useEffect(() => {
    // The first Ctrl+F opens the search over the whole log; in its field, the browser's own opens.
    const onKey = (event: KeyboardEvent): void => {
      if (!(event.ctrlKey || event.metaKey) || event.code !== "KeyF" || event.shiftKey || event.altKey) return;
      if (document.activeElement === input.current || document.querySelector('[role="dialog"]')) return;
      event.preventDefault();
      input.current?.focus();
      input.current?.select();
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [input]);
}

interface HeaderProps extends Props {
  input: RefObject<HTMLInputElement | null>;
  isRegex: boolean;
  setRegex(on: boolean): void;
  found: Found | null;
  matchLines: readonly number[];
  place: number | null;
  step(isBack: boolean): void;
  marks: MarksAnswer;
  goTo(line: number): void;
  wrap: boolean;
  setWrap(on: boolean): void;
  times: Times;
  nextTimes(): void;
}

function LogHeader({ source, query, onQuery, tries, input, isRegex, setRegex, found, matchLines, place, step, marks, goTo, wrap, setWrap, times, nextTimes }: HeaderProps) {
  const { task: t } = useT();
  return (
    <header className="wrap">
      <h2>{t.log}</h2>
      {tries}
      <label className="find logfind" aria-invalid={found?.error ? true : undefined}>
        <Icon name="search" />
        <TypedInput
          ref={input}
          type="search"
          value={query}
          placeholder={t.search_log}
          aria-label={t.search_log}
          onChange={onQuery}
          onKeyDown={(event) => {
            if (event.nativeEvent.isComposing) return;
            if (event.key === "Enter") step(event.shiftKey);
            if (event.key === "Escape") {
              onQuery("");
              input.current?.blur();
            }
          }}
        />
        <button type="button" className="re" aria-pressed={isRegex} title={t.regex} aria-label={t.regex} onClick={() => setRegex(!isRegex)}>
          .*
        </button>
        <Hits found={found} query={query} matchLines={matchLines} place={place} />
      </label>
      {marks.first_error !== null && (
        <Button className="small" hotkey="N" onClick={() => goTo(marks.first_error!)}>
          <Glyph state="failed" />
          {t.first_error}
        </Button>
      )}
      <span className="grow" />
      <Button bare className="small hide-s" aria-pressed={wrap} hotkey="W" onClick={() => setWrap(!wrap)}>
        {t.wrap}
      </Button>
      <Button bare className="small hide-s" aria-pressed={times !== "off"} hotkey="S" onClick={nextTimes}>
        {t.times[times]}
      </Button>
      <a className="btn bare icon" href={source.download} download title={t.download} aria-label={t.download}>
        <Icon name="down" />
      </a>
    </header>
  );
}

/** Which of how many; "at least" where the search was cut short. */
function Hits({ found, query, matchLines, place }: { found: Found | null; query: string; matchLines: readonly number[]; place: number | null }) {
  const { task: t } = useT();
  const { language } = useLanguage();
  if (!query || !found) return null;
  if (found.error) return <span className="t-bad micro cut" role="status" title={found.error}>{found.error}</span>;
  const index = place === null ? -1 : matchLines.indexOf(place);
  const total = count(language, found.total);
  const text = found.total === 0 ? t.no_hits : index >= 0 ? t.hit_of(count(language, index + 1), total, found.is_complete) : t.hits(total, found.is_complete);
  return (
    <span className="dim micro" role="status">
      {text}
    </span>
  );
}

interface BodyProps {
  box: RefObject<HTMLDivElement | null>;
  log: ReturnType<typeof useLog>;
  rows: Rows;
  source: LogSource;
  wrap: boolean;
  times: Times;
  startedAt: number | null;
  isRunning: boolean;
  found: Found | null;
  matchLines: readonly number[];
  place: number | null;
  chosen: { first: number; last: number } | null;
  onNumber(n: number, event: MouseEvent): void;
  goTo(line: number): void;
}

function LogBody(props: BodyProps) {
  const { box, log, rows, source, wrap, times, isRunning, matchLines, goTo } = props;
  const { task: t } = useT();
  const { pages, marks, opening } = log;
  const { total } = pages.extent;
  const isEmpty = total === 0 && opening !== null;
  return (
    <>
      {pages.error !== null && total !== null && (
        <p className="log-note row" role="alert">
          <Glyph state="failed" />
          <span className="grow">{pages.error instanceof Error ? pages.error.message : String(pages.error)}</span>
          <Button onClick={() => pages.retry()}>{t.load_again}</Button>
        </p>
      )}
      <div className="logbox">
        <div ref={box} className={`loglines${wrap ? " wrap" : ""}${times === "off" ? " no-times" : ""}`} tabIndex={0} role="region" aria-label={t.log} data-opened={opening ? opening.line : undefined}>
          {total === null && pages.error !== null && <Failure error={pages.error} retry={() => pages.retry()} />}
          {total === null && pages.error === null && <Loading rows={10} />}
          {isEmpty && <Empty title={isRunning ? t.no_lines_yet : t.no_lines} />}
          {total !== null && total > 0 && <Lines key={source.key} {...props} />}
        </div>
        {total !== null && total > 0 && <Ruler rows={rows} total={total} marks={marks} matchLines={matchLines} goTo={goTo} />}
        {isRunning && !rows.isFollowing && opening !== null && !isEmpty && (
          <div className="logpill">
            <Button className="small" hotkey="F" onClick={() => rows.follow()}>
              <Icon name="down" />
              {rows.unread > 0 ? t.new_lines(rows.unread) : t.follow}
            </Button>
          </div>
        )}
      </div>
    </>
  );
}

function Lines({ log, rows, times, startedAt, found, place, chosen, onNumber }: BodyProps) {
  const { pages, marks } = log;
  const zone = useZone();
  const kinds = useMemo(() => {
    const map = new Map<number, LineKind>(marks.warnings.map((n) => [n, "warn"]));
    for (const n of marks.errors) map.set(n, "err");
    return map;
  }, [marks]);
  const columns = useMemo(() => {
    const map = new Map<number, [number, number][]>();
    for (const [n, column, length] of found?.matches ?? []) map.set(n, [...(map.get(n) ?? []), [column, length]]);
    return map;
  }, [found]);
  const { virtualizer } = rows;
  return (
    <div style={{ height: virtualizer.getTotalSize() }}>
      {virtualizer.getVirtualItems().map((item) => {
        const n = item.index + 1;
        const line = pages.line(n);
        const inChosen = chosen !== null && n >= chosen.first && n <= chosen.last;
        const ranges = line && found && columns.has(n) ? (found.isRegex ? columns.get(n)! : rangesOf(plainText(line[2]), found.text)) : NO_RANGES;
        return (
          <LineRow
            key={item.key}
            measure={virtualizer.measureElement}
            index={item.index}
            n={n}
            text={line?.[2]}
            time={line ? lineTime(line[1], times, zone.name, startedAt) : ""}
            kind={kinds.get(n) ?? ""}
            isAt={n === place || (inChosen && chosen.first === chosen.last)}
            isChosen={inChosen}
            ranges={ranges}
            href={hashOfLines(n, n)}
            onNumber={onNumber}
            style={{ transform: `translateY(${item.start}px)` }}
          />
        );
      })}
    </div>
  );
}

/** Where in the log the errors, warnings and matches are; a click goes there. For the eye only: keys go by `n`. */
function Ruler({ rows, total, marks, matchLines, goTo }: { rows: Rows; total: number; marks: MarksAnswer; matchLines: readonly number[]; goTo(line: number): void }) {
  const all = useMemo(() => rulerMarks(total, { errors: marks.errors, warnings: marks.warnings, matches: matchLines }), [total, marks, matchLines]);
  const { virtualizer } = rows;
  const size = Math.max(1, virtualizer.getTotalSize());
  const top = Math.min(1, (virtualizer.scrollOffset ?? 0) / size);
  const height = Math.min(1, (virtualizer.scrollRect?.height ?? 0) / size);
  const onClick = (event: MouseEvent): void => {
    const frame = event.currentTarget.getBoundingClientRect();
    goTo(Math.min(total, Math.max(1, Math.round(((event.clientY - frame.y) / frame.height) * total))));
  };
  const names = { error: "", warning: "w", match: "m" };
  return (
    <div className="ruler hide-s" aria-hidden="true" onClick={onClick}>
      {all.map((mark) => (
        <i key={`${mark.kind}${mark.position}`} className={names[mark.kind]} style={{ "--y": mark.position }} />
      ))}
      <i className="see" style={{ "--y": top, "--hh": height }} />
    </div>
  );
}

function LogFoot({ ending, pages }: { ending: ReactNode; pages: LogPages }) {
  const { task: t } = useT();
  const { language } = useLanguage();
  const zone = useZone();
  const { total, bytes } = pages.extent;
  return (
    <footer className="row pad small muted log-foot">
      {ending}
      <span className="grow" />
      {total !== null && <span>{t.log_size(count(language, total), total, sizeText(bytes))}</span>}
      <span className="hide-s">{t.times_in(zone.name)}</span>
    </footer>
  );
}

const sizeText = (bytes: number): string => (bytes < 1000 ? `${bytes} B` : bytes < 1_000_000 ? `${Math.round(bytes / 1000)} KB` : `${(bytes / 1_000_000).toFixed(1)} MB`);
