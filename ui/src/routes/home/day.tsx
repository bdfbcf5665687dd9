import { useQuery } from "@tanstack/react-query";
import { useNavigate, useSearch } from "@tanstack/react-router";
import { activity } from "../../api/queries.ts";
import { useT } from "../../i18n/index.tsx";
import { Segments } from "../../kit/button.tsx";
import { useClock } from "../../kit/time.tsx";
import { type Clock, dayOfMonth, duration, near, time } from "../../time/format.ts";
import { wallOf } from "../../time/zone.ts";
import { type Bar, type Span, type Window, barsOf, scaleOf, spanOf, windowOf } from "./bins.ts";

const HEIGHT = 62;
const TOP = 14;

/** All that ran and will run, around now: failed as red caps, planned as dashed outlines. A bar opens its runs. */
export function DayOfRuns() {
  const { home, common } = useT();
  const { span = "12h" } = useSearch({ from: "/shell/" });
  const navigate = useNavigate();
  const clock = useClock(10);
  const window = windowOf(span, clock.now);
  const { data } = useQuery(activity(spanOf(span, clock.now)));
  const choose = (next: Span) => void navigate({ from: "/", to: "/", search: (before) => ({ ...before, span: next === "12h" ? undefined : next }), replace: true });
  return (
    <>
      <div className="row small muted" style={{ marginBlockEnd: "2px" }}>
        <span className="grow cut">{home.day(duration(clock.language, window.bin / 1000))}</span>
        <Segments className="hide-s" label={common.upcoming} value={span} options={(["12h", "24h", "7d"] as const).map((each) => [each, home.spans[each]] as const)} onChange={choose} />
      </div>
      <Chart bars={barsOf(data?.bins ?? [])} window={window} clock={clock} />
    </>
  );
}

function Chart({ bars, window, clock }: { bars: Bar[]; window: Window; clock: Clock }) {
  const { home } = useT();
  const scale = scaleOf(bars, HEIGHT - TOP);
  const x = (instant: number) => `${(((instant - window.from) / (window.to - window.from)) * 100).toFixed(3)}%`;
  const total = (name: "failed" | "running") => bars.reduce((sum, bar) => sum + bar[name], 0);
  return (
    <div className="day" role="group" aria-label={home.day_label(near(clock, window.from), near(clock, window.to), total("failed"), total("running"))}>
      <svg>
        {bars.map((bar) => (
          <BarLink key={bar.start} bar={bar} window={window} clock={clock} x={x} scale={scale} />
        ))}
        <Axis window={window} clock={clock} x={x} />
      </svg>
    </div>
  );
}

interface BarProps {
  bar: Bar;
  window: Window;
  clock: Clock;
  x(instant: number): string;
  scale(runs: number): number;
}

function BarLink({ bar, window, clock, x, scale }: BarProps) {
  const { home } = useT();
  const navigate = useNavigate();
  const { success, failed, running, planned } = bar;
  if (success + failed + running + planned === 0) return null;
  const iso = (instant: number) => new Date(instant).toISOString();
  const isPlanned = success + failed + running === 0;
  const href = isPlanned ? "/upcoming" : `/runs?${new URLSearchParams({ from: iso(bar.start), to: iso(bar.start + window.bin) })}`;
  const share = (window.bin / (window.to - window.from)) * 100;
  const width = `${(share * 0.78).toFixed(3)}%`;
  const left = x(bar.start + window.bin * 0.1);
  const heights = { ok: scale(success), run: scale(running), bad: failed ? Math.max(7, scale(failed)) : 0, plan: scale(planned) };
  const runTop = HEIGHT - heights.run;
  const okTop = runTop - heights.ok;
  const text = home.bin_label(near(clock, bar.start), success, failed, running, planned);
  return (
    <a
      href={href}
      aria-label={text}
      tabIndex={failed || running ? 0 : -1}
      onClick={(event) => {
        if (event.metaKey || event.ctrlKey || event.shiftKey) return;
        event.preventDefault();
        void navigate({ href });
      }}
    >
      <title>{text}</title>
      {success > 0 && <rect x={left} y={okTop} width={width} height={heights.ok} fill="var(--ok)" opacity=".55" />}
      {running > 0 && <rect x={left} y={runTop} width={width} height={heights.run} fill="var(--run)" />}
      {failed > 0 && <rect x={left} y={okTop - heights.bad - 2} width={width} height={heights.bad} fill="var(--bad)" />}
      {planned > 0 && <rect x={left} y={okTop - heights.plan + 0.5} width={width} height={heights.plan} fill="none" stroke="var(--line-strong)" strokeDasharray="2 2" />}
      <rect className="hit" x={x(bar.start)} y={0} width={`${share.toFixed(3)}%`} height={HEIGHT} />
    </a>
  );
}

/** Ticks on whole hours or days of the shown zone. Every second label is left out where there is little room. */
function Axis({ window, clock, x }: { window: Window; clock: Clock; x(instant: number): string }) {
  const { home } = useT();
  const ticks = ticksOf(window, clock.zone);
  return (
    <>
      {ticks.map((tick, index) => {
        const isMidnight = wallOf(clock.zone, tick).hour === 0;
        const anchor = (tick - window.from) / (window.to - window.from);
        return (
          <g key={tick}>
            <line x1={x(tick)} x2={x(tick)} y1={HEIGHT} y2={HEIGHT + 4} stroke="var(--line-strong)" />
            <text className={index % 2 ? "odd" : ""} x={x(tick)} y={HEIGHT + 17} textAnchor={anchor < 0.03 ? "start" : anchor > 0.97 ? "end" : "middle"} fontSize="11" fill="var(--ink-2)" fontWeight={isMidnight ? 600 : 400}>
              {isMidnight ? dayOfMonth(clock, tick) : time(clock, tick)}
            </text>
          </g>
        );
      })}
      <line x1="0" x2="100%" y1={HEIGHT} y2={HEIGHT} stroke="var(--line-2)" />
      <line x1={x(clock.now)} x2={x(clock.now)} y1={2} y2={HEIGHT} stroke="var(--ink)" strokeWidth="1.5" />
      <text x={x(clock.now)} dx="8" y={11} fontSize="11" fontWeight="600" fill="var(--ink)">
        {home.now(time(clock, clock.now))}
      </text>
    </>
  );
}

function ticksOf(window: Window, zone: string): number[] {
  const hours = window.tick / 3_600_000;
  const ticks: number[] = [];
  for (let instant = Math.ceil(window.from / 3_600_000) * 3_600_000; instant <= window.to; instant += 3_600_000) {
    if (wallOf(zone, instant).hour % Math.min(hours, 24) === 0) ticks.push(instant);
  }
  return ticks;
}
