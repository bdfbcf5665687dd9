import { useLanguage } from "../i18n/index.tsx";
import { Anchor } from "../routes/anchor.tsx";
import { monthsOf } from "./months.ts";
import "./calendar.css";

export interface DayMark {
  /** Class of the day: what it looks like. */
  look: string;
  /** Below the number, at most a few characters. */
  small?: string;
  /** The whole of it in a sentence, for readers and for the tooltip. */
  label: string;
  href?: string | undefined;
}

interface Props {
  first: string;
  last: string;
  /** What stands in a day; undefined = nothing. */
  markOf(date: string): DayMark | undefined;
  today?: string;
  /** On a narrow screen the first month comes first; else the last one. */
  isAhead?: boolean;
}

/** Months of days, as many beside each other as fit. */
export function MonthGrid({ first, last, markOf, today, isAhead = false }: Props) {
  const { language } = useLanguage();
  const format = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { timeZone: "UTC", ...options });
  const [month, weekday, whole] = [format({ month: "long", year: "numeric" }), format({ weekday: "short" }), format({ dateStyle: "full" })];
  // 1 January 2024 was a Monday.
  const weekdays = Array.from({ length: 7 }, (_, index) => weekday.format(Date.UTC(2024, 0, 1 + index)));
  return (
    <div className={isAhead ? "months ahead" : "months"}>
      {monthsOf(first, last).map(({ name, days }) => (
        <section key={name} aria-label={month.format(new Date(`${name}-01`))}>
          <h3 className="b">{month.format(new Date(`${name}-01`))}</h3>
          <div className="cal">
            {weekdays.map((each) => (
              <span key={each} className="hd" aria-hidden="true">
                {language === "en" ? each.slice(0, 2) : each}
              </span>
            ))}
            {days.map((date, index) => (date === null ? <span key={index} className="gap" /> : <Day key={date} date={date} mark={markOf(date)} isToday={date === today} name={whole.format(new Date(date))} />))}
          </div>
        </section>
      ))}
    </div>
  );
}

function Day({ date, mark, isToday, name }: { date: string; mark: DayMark | undefined; isToday: boolean; name: string }) {
  const className = `${mark?.look ?? "none"}${isToday ? " today" : ""}`;
  const content = (
    <>
      <span aria-hidden="true">{Number(date.slice(8))}</span>
      {mark?.small && (
        <small aria-hidden="true">{mark.small}</small>
      )}
      {mark && <span className="vh">{`${name}: ${mark.label}`}</span>}
    </>
  );
  const title = mark && `${name}\n${mark.label}`;
  return mark?.href ? (
    <Anchor className={className} href={mark.href} title={title}>
      {content}
    </Anchor>
  ) : (
    <span className={className} title={title}>
      {content}
    </span>
  );
}
