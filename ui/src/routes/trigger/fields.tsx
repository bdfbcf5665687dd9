import { useState } from "react";
import { fromTyped } from "../../api/exact.ts";
import { useT } from "../../i18n/index.tsx";
import { Button } from "../../kit/button.tsx";
import { Checkbox, Field, Switch, TypedInput } from "../../kit/field.tsx";
import { useClock } from "../../kit/time.tsx";
import { dayBefore, useZone } from "../../time/zone.ts";
import { type Param, numberOf } from "./params.ts";
import { InstantInput } from "./instant.tsx";

interface Props {
  param: Param;
  value: unknown;
  error: string | undefined;
  /** The version that brought the param; undefined = the latest run had it too. */
  newIn?: number | undefined;
  onChange(value: unknown): void;
  /** The text of the field became one that cannot be sent, or one that can. */
  onBroken(isBroken: boolean): void;
}

export function ParamField({ param, value, error, newIn, onChange, onBroken }: Props) {
  const { actions: t } = useT();
  const zone = useZone();
  const { name, schema, control, isRequired } = param;
  const format = schema.format ?? (control === "json" ? "JSON" : "");
  const facts = [format, isRequired && t.required].filter(Boolean).join(", ");
  const aside =
    newIn === undefined ? (
      facts
    ) : (
      <>
        <span className="tag">{t.new_in(newIn)}</span> {facts}
      </>
    );
  const hint = schema.description ?? (control === "json" ? t.as_json : control === "datetime" ? t.time_in(zone.name) : undefined);
  return (
    <Field label={schema.title ?? name} hint={hint} error={error} aside={aside}>
      {(ids) => <Control ids={ids} param={param} value={value} isBad={error !== undefined} onChange={onChange} onBroken={onBroken} />}
    </Field>
  );
}

interface ControlProps {
  ids: { id: string };
  param: Param;
  value: unknown;
  isBad: boolean;
  onChange(value: unknown): void;
  onBroken(isBroken: boolean): void;
}

function Control({ ids, param, value, isBad, onChange, onBroken }: ControlProps) {
  const { schema, control, name } = param;
  const look = isBad ? "inp bad" : "inp";
  const shown = value === undefined || value === null ? "" : String(value);
  if (control === "switch") {
    return (
      <span className="row">
        <Switch on={value === true} onChange={onChange} label={schema.title ?? name} />
      </span>
    );
  }
  if (control === "checks") {
    const chosen = Array.isArray(value) ? value : [];
    const options = (schema.items?.enum ?? []) as string[];
    return (
      <span className="row wrap" role="group" aria-labelledby={ids.id} style={{ gap: "4px 16px" }}>
        {options.map((each) => (
          <Checkbox key={each} checked={chosen.includes(each)} onChange={(on) => onChange(options.filter((other) => (other === each ? on : chosen.includes(other))))}>
            {each}
          </Checkbox>
        ))}
      </span>
    );
  }
  if (control === "select") {
    return (
      <select {...ids} className={`${look} narrow`} value={shown} onChange={(event) => onChange(event.target.value || undefined)}>
        {value === undefined && <option value="" />}
        {(schema.enum as string[]).map((each) => (
          <option key={each}>{each}</option>
        ))}
      </select>
    );
  }
  if (control === "json") return <JsonInput ids={ids} value={value} look={look} onChange={onChange} onBroken={onBroken} />;
  if (control === "datetime") return <InstantInput ids={ids} value={typeof value === "string" ? value : undefined} onChange={onChange} />;
  if (control === "date") return <DateInput ids={ids} look={look} value={shown} onChange={onChange} />;
  const isNumber = control === "number";
  return (
    <TypedInput
      {...ids}
      className={control === "text" ? look : `${look} narrow`}
      type="text"
      inputMode={isNumber ? "decimal" : undefined}
      value={shown}
      onChange={(text) => onChange(isNumber ? numberOf(text) : text || undefined)}
    />
  );
}

/** A day of the calendar. The day before today is what a run is about most often. */
function DateInput({ ids, look, value, onChange }: { ids: { id: string }; look: string; value: string; onChange(value: unknown): void }) {
  const { actions: t } = useT();
  const { zone, now } = useClock();
  return (
    <span className="row wrap">
      <TypedInput {...ids} className={`${look} narrow`} type="date" value={value} onChange={(text) => onChange(text || undefined)} />
      <Button className="small" title={t.yesterday_in(dayBefore(zone, now), zone)} onClick={() => onChange(dayBefore(zone, now))}>
        {t.yesterday}
      </Button>
    </span>
  );
}

interface JsonProps {
  ids: { id: string };
  value: unknown;
  look: string;
  /** Only an object will do. */
  isObject?: boolean;
  onChange(value: unknown): void;
  onBroken(isBroken: boolean): void;
}

/** JSON is kept as typed; only what can be read is passed on. */
export function JsonInput({ ids, value, look, isObject = false, onChange, onBroken }: JsonProps) {
  const { actions: t } = useT();
  const [text, setText] = useState(() => (value === undefined ? "" : JSON.stringify(value, null, 2)));
  const [fault, setFault] = useState<string | null>(null);
  const change = (next: string) => {
    setText(next);
    const read = readTyped(next);
    const problem = read === null ? t.not_json : isObject && !isPlainObject(read.value) ? t.not_object : null;
    if (read !== null && problem === null) onChange(read.value);
    setFault(problem);
    onBroken(problem !== null);
  };
  return (
    <>
      <textarea {...ids} className={`${fault ? "inp bad" : look} mono`} rows={Math.min(12, Math.max(3, text.split("\n").length))} value={text} spellCheck={false} onChange={(event) => change(event.target.value)} />
      {fault && (
        <span className="msg" role="alert">
          {fault}
        </span>
      )}
    </>
  );
}

/** The value of a typed text, undefined for an empty one; null = the text is no JSON. */
function readTyped(text: string): { value: unknown } | null {
  try {
    return { value: text.trim() ? fromTyped(text) : undefined };
  } catch {
    return null;
  }
}

const isPlainObject = (value: unknown): boolean => value === undefined || (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype);
