import { useLanguage, useT } from "../i18n/index.tsx";
import { useStateWord } from "../kit/state.tsx";
import { useClock } from "../kit/time.tsx";
import { Anchor } from "../routes/anchor.tsx";
import { day, duration, moment } from "../time/format.ts";
import { type Dot, bandOf, ticksOf } from "./scale.ts";
import "./durations.css";

const HEIGHT = 280;
const TOP = 12;
const FOOT = 26;
const LABELS_MAX = 6;

/** A dot a run, oldest first, over the band of the successful ones. Shape and hue say the state. */
export function DurationChart({ dots, what }: { dots: readonly Dot[]; what: string }) {
  const { dag: t } = useT();
  const { language } = useLanguage();
  const band = bandOf(dots);
  const ticks = ticksOf(Math.max(...dots.map((dot) => dot.duration)));
  const longest = ticks.at(-1) || 1;
  const y = (seconds: number): number => HEIGHT - FOOT - (seconds / longest) * (HEIGHT - FOOT - TOP);
  const x = (index: number): string => `${(((index + 0.5) / dots.length) * 100).toFixed(2)}%`;
  const median = band ? t.durations.median(duration(language, band.median)) : "";
  return (
    <div className="durations" role="group" aria-label={t.durations.label(what, median)}>
      <svg>
        {band && <rect className="band" x="0" width="100%" y={y(band.high)} height={Math.max(1, y(band.low) - y(band.high))} />}
        {ticks.map((seconds) => (
          <g key={seconds}>
            <line className="rule" x1="0" x2="100%" y1={y(seconds)} y2={y(seconds)} />
            <text x="-8" y={y(seconds) + 4} textAnchor="end">
              {duration(language, seconds)}
            </text>
          </g>
        ))}
        {band && <line className="middle" x1="0" x2="100%" y1={y(band.median)} y2={y(band.median)} />}
        <Days dots={dots} x={x} />
        {dots.map((dot, index) => (
          <DotLink key={dot.key} dot={dot} x={x(index)} y={y(dot.duration)} width={100 / dots.length} />
        ))}
      </svg>
    </div>
  );
}

function Days({ dots, x }: { dots: readonly Dot[]; x(index: number): string }) {
  const clock = useClock();
  const step = Math.max(1, Math.ceil(dots.length / LABELS_MAX));
  return dots.map((dot, index) =>
    index % step === 0 ? (
      <text key={dot.key} className={(index / step) % 2 ? "odd" : ""} x={x(index)} y={HEIGHT - 6} textAnchor="middle">
        {day(clock, dot.at)}
      </text>
    ) : null,
  );
}

function DotLink({ dot, x, y, width }: { dot: Dot; x: string; y: number; width: number }) {
  const { dag: t } = useT();
  const clock = useClock();
  const word = useStateWord();
  const label = t.durations.dot(moment(clock, dot.at), word(dot.state), duration(clock.language, dot.duration));
  return (
    <Anchor href={dot.href} aria-label={label}>
      <title>{label}</title>
      <svg x={x} y={y} overflow="visible">
        {dot.state === "failed" ? <path className="bad" d="M-3.6-3.6 3.6 3.6M3.6-3.6-3.6 3.6" /> : <circle className={dot.state === "success" ? "ok" : dot.state === "running" ? "run" : "other"} r="4" />}
      </svg>
      <rect className="hit" x={`calc(${x} - ${width / 2}%)`} y="0" width={`${width}%`} height={HEIGHT - FOOT} />
    </Anchor>
  );
}
