import { type ReactNode } from "react";

const ONE_LINE = 60;

/** A JSON value as people write it: text as it is, a short value in a line, the rest with indents. */
export function textOf(value: unknown): string {
  if (typeof value === "string") return value;
  const text = JSON.stringify(value, null, 1).replace(/\n\s*/g, " ");
  return text.length <= ONE_LINE ? text.replace(/^([[{]) | ([\]}])$/g, "$1$2") : JSON.stringify(value, null, 2);
}

/** Names and values, one below the other. */
export const Values = ({ entries }: { entries: readonly (readonly [name: string, value: unknown, aside?: ReactNode])[] }) => (
  <dl className="values">
    {entries.map(([name, value, aside]) => (
      <div key={name}>
        <dt className="mono anywhere">
          {name} {aside && <span className="tag">{aside}</span>}
        </dt>
        <dd>
          <pre tabIndex={0}>{textOf(value)}</pre>
        </dd>
      </div>
    ))}
  </dl>
);
