import { useState } from "react";
import { useT } from "../../i18n/index.tsx";
import { Checkbox, Field, Switch, TypedInput } from "../../kit/field.tsx";
import { useZone } from "../../time/zone.ts";
import { type Param, numberOf } from "./params.ts";
import { InstantInput } from "./instant.tsx";

interface Props {
  param: Param;
  value: unknown;
  error: string | undefined;
  onChange(value: unknown): void;
}

export function ParamField({ param, value, error, onChange }: Props) {
  const { actions: t } = useT();
  const zone = useZone();
  const { name, schema, control, isRequired } = param;
  const format = schema.format ?? (control === "json" ? "JSON" : "");
  const aside = [format, isRequired && t.required].filter(Boolean).join(", ");
  const hint = schema.description ?? (control === "json" ? t.as_json : control === "datetime" ? t.time_in(zone.name) : undefined);
  return (
    <Field label={schema.title ?? name} hint={hint} error={error} aside={aside}>
      {(ids) => <Control ids={ids} param={param} value={value} isBad={error !== undefined} onChange={onChange} />}
    </Field>
  );
}

interface ControlProps {
  ids: { id: string };
  param: Param;
  value: unknown;
  isBad: boolean;
  onChange(value: unknown): void;
}

function Control({ ids, param, value, isBad, onChange }: ControlProps) {
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
  if (control === "json") return <JsonInput ids={ids} value={value} look={look} onChange={onChange} />;
  if (control === "datetime") return <InstantInput ids={ids} value={typeof value === "string" ? value : undefined} onChange={onChange} />;
  const isNumber = control === "number";
  return (
    <TypedInput
      {...ids}
      className={control === "text" ? look : `${look} narrow`}
      type={control === "date" ? "date" : "text"}
      inputMode={isNumber ? "decimal" : undefined}
      value={shown}
      onChange={(text) => onChange(isNumber ? numberOf(text) : text || undefined)}
    />
  );
}

interface JsonProps {
  ids: { id: string };
  value: unknown;
  look: string;
  onChange(value: unknown): void;
}

/** JSON is kept as typed; only what can be read is passed on. */
export function JsonInput({ ids, value, look, onChange }: JsonProps) {
  const { actions: t } = useT();
  const [text, setText] = useState(() => (value === undefined ? "" : JSON.stringify(value, null, 2)));
  const [isBroken, setBroken] = useState(false);
  const change = (next: string) => {
    setText(next);
    try {
      onChange(next.trim() ? JSON.parse(next) : undefined);
      setBroken(false);
    } catch {
      setBroken(true);
    }
  };
  return (
    <>
      <textarea {...ids} className={`${isBroken ? "inp bad" : look} mono`} rows={Math.min(12, Math.max(3, text.split("\n").length))} value={text} spellCheck={false} onChange={(event) => change(event.target.value)} />
      {isBroken && (
        <span className="msg" role="alert">
          {t.not_json}
        </span>
      )}
    </>
  );
}
