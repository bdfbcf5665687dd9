import { useVirtualizer } from "@tanstack/react-virtual";
import { memo, useEffect, useLayoutEffect, useMemo, useRef, useState, type KeyboardEvent, type MouseEvent } from "react";
import type { Grid, GridCell, GridRun, GridTask } from "../api/shapes.ts";
import { useLanguage, useT } from "../i18n/index.tsx";
import { roleOf } from "../kit/instance.ts";
import { Glyph, useStateWord } from "../kit/state.tsx";
import { useClock } from "../kit/time.tsx";
import { duration, moment, roughly } from "../time/format.ts";
import { wallOf } from "../time/zone.ts";
import { cellClass, hasTries, heights, instancesOf, moveBy, secondsOf, versionStarts, type Place } from "./model.ts";
import "./grid.css";

interface Props {
  grid: Grid;
  label: string;
  /** The chosen run and task; null = none. */
  run: string | null;
  task: string | null;
  onChoose(run: string | null, task: string | null): void;
  /** Enter: the run, or the task of the run. */
  onOpen(run: string, task: string | null): void;
}

const ROW = 24;
/** Width of the names with the edges around the columns; see grid.css. */
const NAMES = 198;
const NAMES_NARROW = 126;
const DAY_STEPS = [1, 2, 4, 7, 14];

/** Tasks down, runs across: one tab stop, moved by arrows; a click or an arrow chooses, Enter opens. */
export function GridView({ grid, label, run, task, onChoose, onOpen }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const column = grid.runs.findIndex((each) => each.dag_run_id === run);
  const row = task === null ? 0 : grid.tasks.findIndex((each) => each.task_id === task) + 1;
  const at: Place = { row: Math.max(0, row), column: column < 0 ? grid.runs.length - 1 : column };
  const starts = useMemo(() => versionStarts(grid.runs), [grid.runs]);
  const virtualizer = useVirtualizer<HTMLDivElement, Element>({ count: grid.tasks.length, getScrollElement: () => box.current, estimateSize: () => ROW, overscan: 20, scrollPaddingStart: 80, initialRect: { width: 0, height: 700 }, useFlushSync: false });
  const wanted = useRef<Place | null>(null);
  useNewestInSight(box, grid.runs.length);
  useEffect(() => {
    const place = wanted.current;
    const cell = place && box.current?.querySelector<HTMLElement>(`[data-row="${place.row}"][data-column="${place.column}"]`);
    if (!cell) return;
    wanted.current = null;
    cell.focus({ preventScroll: place.row > 0 });
    cell.scrollIntoView({ block: "nearest", inline: "nearest" });
  });
  const taskAt = (place: Place): string | null => (place.row === 0 ? null : (grid.tasks[place.row - 1]?.task_id ?? null));
  const choose = (place: Place | null): void => {
    const chosen = place && grid.runs[place.column];
    if (place && chosen) onChoose(chosen.dag_run_id, taskAt(place));
  };
  const open = (place: Place | null): void => {
    const chosen = place && grid.runs[place.column];
    if (place && chosen) onOpen(chosen.dag_run_id, taskAt(place));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const next = moveBy(event.key, at, { rows: grid.tasks.length + 1, columns: grid.runs.length });
    if (next) {
      event.preventDefault();
      wanted.current = next;
      if (next.row > 0) virtualizer.scrollToIndex(next.row - 1);
      choose(next);
    } else if (event.key === "Enter") {
      event.preventDefault();
      open(at);
    }
  };
  return (
    <div className="gr" ref={box} role="grid" aria-label={label} aria-rowcount={grid.tasks.length + 1} aria-colcount={grid.runs.length + 1} onKeyDown={onKeyDown} onClick={(event) => choose(placeOf(event))} onDoubleClick={(event) => open(placeOf(event))}>
      <Head runs={grid.runs} starts={starts} chosen={column} focus={at.row === 0 ? at.column : -1} />
      <div className="gr-rows" role="rowgroup" style={{ height: virtualizer.getTotalSize() }}>
        {virtualizer.getVirtualItems().map((item) => (
          <Row key={item.key} index={item.index} task={grid.tasks[item.index]!} runs={grid.runs} starts={starts} chosenColumn={column} isChosen={item.index + 1 === row} focus={at.row === item.index + 1 ? at.column : -1} top={item.start} />
        ))}
      </div>
    </div>
  );
}

function placeOf(event: MouseEvent): Place | null {
  const cell = (event.target as Element).closest<HTMLElement>("[data-row]");
  return cell ? { row: Number(cell.dataset["row"]), column: Number(cell.dataset["column"]) } : null;
}

/** The newest runs are at the right: they are what is seen first, and again when a run is added. */
function useNewestInSight(box: { current: HTMLDivElement | null }, count: number): void {
  useLayoutEffect(() => {
    const element = box.current;
    if (element) element.scrollLeft = element.scrollWidth;
  }, [box, count]);
}

interface HeadProps {
  runs: readonly GridRun[];
  starts: readonly (number | null)[];
  chosen: number;
  focus: number;
}

const Head = memo(({ runs, starts, chosen, focus }: HeadProps) => {
  const { common } = useT();
  const { language } = useLanguage();
  const word = useStateWord();
  const clock = useClock();
  const { heights: bars, longest } = heights(runs, clock.now);
  const step = DAY_STEPS.find((days) => runs.length / days <= 8) ?? 14;
  const days = runs.map((run) => wallOf(clock.zone, Date.parse(run.run_after)).day);
  const names = (run: GridRun): string => [moment(clock, Date.parse(run.run_after)), word(run.state), common.run_types[run.run_type], `v${run.version_number}`, durationOf(run, clock.now, language)].filter(Boolean).join(", ");
  return (
    <div className="gr-row gr-head" role="row" aria-rowindex={1}>
      <span className="nm dim micro" role="columnheader">
        {longest > 0 && roughly(language, longest)}
      </span>
      <span className="gap" />
      {runs.map((run, index) => (
        <div key={run.dag_run_id} role="columnheader" className={`gr-cell b-${run.state}${index === chosen ? " sel" : ""}${starts[index] === null ? "" : " v"}`} aria-label={names(run)} title={names(run)} tabIndex={index === focus ? 0 : -1} aria-selected={index === chosen} data-row={0} data-column={index}>
          <span className="bar" style={{ "--h": bars[index]! }} />
          {starts[index] !== null && <span className="ver">v{starts[index]}</span>}
          {(runs.length - 1 - index) % step === 0 && (index === 0 || days[index] !== days[index - 1] || step === 1) && <span className="day">{days[index]}</span>}
        </div>
      ))}
      <span className="pad-end" />
    </div>
  );
});

const durationOf = (run: GridRun, now: number, language: string): string => {
  const seconds = secondsOf(run, now);
  return seconds === null ? "" : duration(language, seconds);
};

interface RowProps {
  index: number;
  task: GridTask;
  runs: readonly GridRun[];
  starts: readonly (number | null)[];
  chosenColumn: number;
  isChosen: boolean;
  focus: number;
  top: number;
}

const Row = memo(({ index, task, runs, starts, chosenColumn, isChosen, focus, top }: RowProps) => {
  const { dag: t, run: words } = useT();
  const word = useStateWord();
  const clock = useClock();
  const name = task.task_id;
  const role = roleOf(words, task);
  const textOf = (run: GridRun, cell: GridCell): string => {
    if (cell === null) return `${moment(clock, Date.parse(run.run_after))}, ${name}: ${t.not_in_version(run.version_number)}`;
    const [state, tries, counts] = cell;
    const parts = counts ? Object.entries(counts).map(([each, count]) => `${count} ${word(each)}`) : [word(state), tries > 1 && t.try_n(tries)];
    return [moment(clock, Date.parse(run.run_after)), name, ...parts].filter(Boolean).join(", ");
  };
  return (
    <div className={`gr-row${isChosen ? " sel" : ""}`} role="row" aria-rowindex={index + 2} style={{ transform: `translateY(${top}px)` }}>
      <span className="nm" role="rowheader" title={role ? `${name}, ${role}` : name}>
        <span className="cut">{name}</span>
        {role && <span className="role">{role}</span>}
        {task.is_mapped && <span className="dim">×{instancesOf(runs, index) ?? ""}</span>}
      </span>
      <span className="gap" />
      {runs.map((run, column) => {
        const cell = run.cells[index] ?? null;
        const isFocus = column === focus;
        return (
          <div key={run.dag_run_id} role="gridcell" className={`gr-cell${column === chosenColumn ? " sel" : ""}${starts[column] === null ? "" : " v"}${hasTries(cell) ? " t" : ""}`} aria-label={textOf(run, cell)} tabIndex={isFocus ? 0 : -1} aria-selected={isChosen && column === chosenColumn} data-row={index + 1} data-column={column}>
            <i className={cellClass(cell)} />
          </div>
        );
      })}
      <span className="pad-end" />
    </div>
  );
});

const LEGEND = ["success", "failed", "upstream_failed", "running", "queued", "up_for_retry", "deferred", "skipped", "scheduled", "removed"];

/** What the cells mean, by glyph and word. */
export function GridLegend() {
  const word = useStateWord();
  return (
    <div className="row wrap small muted pad line-top gr-legend">
      {LEGEND.map((state) => (
        <span key={state} className="st">
          <Glyph state={state} />
          {word(state)}
        </span>
      ))}
    </div>
  );
}

/** As many runs as fit into a width, 24 px each, from 12 to 100. */
export function useColumns(box: { current: HTMLElement | null }): number {
  const [columns, setColumns] = useState(24);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const measure = (): void => {
      const names = window.matchMedia("(max-width: 640px)").matches ? NAMES_NARROW : NAMES;
      setColumns(Math.min(100, Math.max(8, Math.floor((element.clientWidth - names) / ROW))));
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [box]);
  return columns;
}
