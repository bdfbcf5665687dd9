import "./calendar.css";

/** What the looks of the days mean. */
export const CalendarLegend = ({ entries }: { entries: readonly (readonly [look: string, text: string])[] }) => (
  <p className="cal-legend">
    {entries.map(([look, text]) => (
      <span key={look}>
        <span className="cal" aria-hidden="true">
          <span className={look} />
        </span>
        {text}
      </span>
    ))}
  </p>
);
