import { useState } from "react";
import { useT } from "../../i18n/index.tsx";
import { useZone, instantsOf, wallText } from "../../time/zone.ts";

interface Props {
  ids: { id: string };
  /** An instant, RFC 3339. */
  value: string | undefined;
  onChange(value: string | undefined): void;
}

/** A time on the wall of the shown zone. One that the clocks skip is refused; of one that comes twice the earlier is taken. */
export function InstantInput({ ids, value, onChange }: Props) {
  const { actions: t } = useT();
  const zone = useZone();
  const [wall, setWall] = useState(() => (value ? wallText(zone.name, Date.parse(value)) : ""));
  const instants = wall ? instantsOf(zone.name, wall) : [];
  const change = (next: string) => {
    setWall(next);
    const first = next ? instantsOf(zone.name, next)[0] : undefined;
    onChange(first === undefined ? undefined : new Date(first).toISOString());
  };
  return (
    <>
      <span className="row">
        <input {...ids} className="inp narrow" type="datetime-local" value={wall} onChange={(event) => change(event.target.value)} />
        <span className="small muted">{zone.name}</span>
      </span>
      {wall && instants.length === 0 && (
        <span className="msg" role="alert">
          {t.no_such_time}
        </span>
      )}
      {instants.length > 1 && <span className="hint">{t.twice}</span>}
    </>
  );
}
