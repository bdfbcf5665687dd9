/** A schedule in Korean, from its parts. Pure functions; a line that they do not know has no words. */
import type { Schema } from "../../api/client.ts";

/** One term of a cron field. `nth`: of a weekday, -1 = the last one of the month. */
type Term = { kind: "every"; step: number } | { kind: "range"; from: number; to: number; step: number } | { kind: "single"; value: number; nth?: number } | { kind: "last" | "last weekday" };

interface FieldKind {
  min: number;
  max: number;
  names: readonly string[];
}

const MINUTE: FieldKind = { min: 0, max: 59, names: [] };
const HOUR: FieldKind = { min: 0, max: 23, names: [] };
const DAY: FieldKind = { min: 1, max: 31, names: [] };
const MONTH: FieldKind = { min: 1, max: 12, names: "_ JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" ") };
const WEEKDAY: FieldKind = { min: 0, max: 7, names: "SUN MON TUE WED THU FRI SAT".split(" ") };
const WEEKDAYS = "일월화수목금토일";
const NTH: Record<number, string> = { [-1]: "마지막", 1: "첫째", 2: "둘째", 3: "셋째", 4: "넷째", 5: "다섯째" };
const TIMES_MAX = 4;

/** All schedule lines with their zone and the days left out; null = a line has no words. */
export function scheduleInKorean(parts: Schema<"ScheduleParts">): string | null {
  if (parts.interval_seconds !== null) return `${spanInKorean(parts.interval_seconds)}마다`;
  if (parts.upstream.length > 0) return `${parts.upstream.join(parts.match === "any" ? " 또는 " : " 및 ")} 실행이 끝난 뒤`;
  if (parts.alias !== null) return parts.alias === "@once" ? "한 번" : "끝나면 바로 다시";
  if (parts.crons.length === 0) return `지정한 시각 ${parts.instants}회`;
  const lines = parts.crons.map(cronInKorean);
  if (lines.includes(null)) return null;
  const excluded = [parts.excluded_dates > 0 && `지정한 날짜 ${parts.excluded_dates}일`, parts.excluded_calendars.length > 0 && `${parts.excluded_calendars.join(", ")} 휴일`].filter(Boolean);
  return `${lines.join(" 및 ")} (${[parts.timezone, excluded.length > 0 && `${excluded.join(", ")} 제외`].filter(Boolean).join(", ")})`;
}

const SPANS = [[86_400, "일"], [3600, "시간"], [60, "분"], [1, "초"]] as const;

function spanInKorean(seconds: number): string {
  let rest = seconds;
  const parts = SPANS.map(([length, name]) => {
    const whole = length === 1 ? rest : Math.floor(rest / length);
    rest -= whole * length;
    return whole > 0 ? `${whole}${name}` : "";
  });
  return parts.filter(Boolean).join(" ");
}

/** A cron line of five fields; null = it has terms without words. */
export function cronInKorean(line: string): string | null {
  const texts = line.trim().toUpperCase().split(/\s+/);
  const fields = [MINUTE, HOUR, DAY, MONTH, WEEKDAY].map((kind, index) => termsOf(texts[index] ?? "", kind));
  const [minutes, hours, days, months, weekdays] = fields;
  if (texts.length !== 5 || !minutes || !hours || !days || !months || !weekdays) return null;
  const [time, isAtTimes] = timeOf(minutes, hours);
  const date = dateOf(days, months, weekdays, texts[2]!.startsWith("*") || texts[4]!.startsWith("*"));
  return [date || (isAtTimes && "매일"), time].filter(Boolean).join(" ");
}

function termsOf(text: string, kind: FieldKind): Term[] | null {
  const terms = text.split(",").map((each) => termOf(each, kind));
  return terms.includes(null) ? null : (terms as Term[]);
}

function termOf(text: string, kind: FieldKind): Term | null {
  if (kind === DAY && text === "L") return { kind: "last" };
  if (kind === DAY && text === "LW") return { kind: "last weekday" };
  const parts = /^(\*|\w+?)(?:-(\w+))?(?:\/(\d+))?(?:#(\d)|(L))?$/.exec(text);
  if (!parts) return null;
  const [, first = "", second, step, nth, last] = parts;
  const every = step === undefined ? 1 : Number(step);
  if (first === "*") return second === undefined && !nth && !last ? { kind: "every", step: every } : null;
  const from = numberOf(first, kind);
  const to = second === undefined ? (step === undefined ? from : kind.max) : numberOf(second, kind);
  if (from === null || to === null) return null;
  if (nth || last) return kind === WEEKDAY ? { kind: "single", value: from, nth: last ? -1 : Number(nth) } : null;
  if (from === to) return { kind: "single", value: from };
  const isWhole = from <= kind.min && to >= (kind === WEEKDAY ? 6 : kind.max);
  return isWhole ? { kind: "every", step: every } : { kind: "range", from, to, step: every };
}

function numberOf(text: string, { min, max, names }: FieldKind): number | null {
  const named = names.indexOf(text);
  const value = named >= 0 ? named : /^\d+$/.test(text) ? Number(text) : NaN;
  return value >= min && value <= max ? value : null;
}

const isStar = (terms: readonly Term[]): boolean => terms.some((term) => term.kind === "every" && term.step === 1);
const singlesOf = (terms: readonly Term[]): number[] | null => (terms.every((term) => term.kind === "single" && term.nth === undefined) ? terms.map((term) => (term as { value: number }).value).toSorted((a, b) => a - b) : null);
const two = (value: number): string => String(value).padStart(2, "0");

/** The words, and whether they name times of day. */
function timeOf(minutes: readonly Term[], hours: readonly Term[]): [string, boolean] {
  const [minute, hour] = [singlesOf(minutes), singlesOf(hours)];
  if (minute && hour && minute.length * hour.length <= TIMES_MAX) return [hour.flatMap((h) => minute.map((m) => `${two(h)}:${two(m)}`)).join(", "), true];
  const minuteText = wordsOf(minutes, "분", "분");
  if (isStar(hours)) return [isStar(minutes) ? "매분" : minute ? `매시 ${minute.join() === "0" ? "정각" : minuteText}` : minuteText, false];
  const [range] = hours;
  const isRepeated = minutes.every((term) => term.kind === "every");
  if (isRepeated && hours.length === 1 && range?.kind === "range" && range.step === 1) return [`${two(range.from)}:00~${two(range.to)}:59 ${minuteText}`, false];
  return [`${wordsOf(hours, "시", "시간")} ${minute?.join() === "0" ? "정각" : minuteText}`, false];
}

/** unit: of a value. span: of a step, as in `2시간마다`. */
function wordsOf(terms: readonly Term[], unit: string, span: string, name = (value: number) => `${value}${unit}`): string {
  return terms
    .map((term) => {
      if (term.kind === "every") return term.step === 1 ? `매${span}` : `${term.step}${span}마다`;
      if (term.kind === "range") return `${name(term.from)}~${name(term.to)}${term.step === 1 ? "" : ` ${term.step}${span}마다`}`;
      if (term.kind === "single") return `${term.nth === undefined ? "" : `${NTH[term.nth] ?? `${term.nth}번째`} `}${name(term.value)}`;
      return term.kind === "last" ? "마지막 날" : "마지막 평일";
    })
    .join(", ");
}

/** isBoth: a day must fit the day of the month and the weekday; else one of them is enough. Empty = each day. */
function dateOf(days: readonly Term[], months: readonly Term[], weekdays: readonly Term[], isBoth: boolean): string {
  const day = isStar(days) ? "" : wordsOf(days, "일", "일");
  const weekday = isStar(weekdays) ? "" : wordsOf(weekdays, "요일", "요일", (value) => `${WEEKDAYS[value]}요일`);
  const month = isStar(months) ? "" : wordsOf(months, "월", "개월");
  const chosen = day && weekday ? `${day}${isBoth ? " 중 " : " 또는 "}${weekday}` : day || weekday;
  const isMonthly = day !== "" || weekdays.some((term) => term.kind === "single" && term.nth !== undefined);
  const isNamedMonth = months.every((term) => term.kind === "single");
  if (month) return `${isNamedMonth ? "매년 " : ""}${month} ${chosen || "매일"}`;
  if (!chosen) return "";
  return days.some((term) => term.kind === "every" && term.step > 1) ? chosen : `${isMonthly ? "매월" : "매주"} ${chosen}`;
}
