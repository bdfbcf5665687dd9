import { useState } from "react";
import { useT } from "../../i18n/index.tsx";
import { Segments } from "../../kit/button.tsx";
import { Field } from "../../kit/field.tsx";
import { JsonInput, ParamField } from "./fields.tsx";
import { type Param, confOf, startOf } from "./params.ts";

type Values = Record<string, unknown>;
type Mode = "form" | "json";

/** The values of the params while a person fills them in. */
export interface ParamsForm {
  params: readonly Param[];
  values: Values;
  /** What is sent: the values that differ from the defaults. */
  conf: Values;
  mode: Mode;
  /** Whether a field holds a text that cannot be sent. */
  isBroken: boolean;
  /** Fields made from other values are other fields. */
  generation: number;
  choose(mode: Mode): void;
  change(change: (before: Values) => Values): void;
  breaks(name: string, isBroken: boolean): void;
  /** Begin again with the values of an earlier run. */
  fill(earlier: Readonly<Values>): void;
}

const NONE: ReadonlySet<string> = new Set();

export function useParamsForm(params: readonly Param[], earlier: Readonly<Values> = {}): ParamsForm {
  const [values, setValues] = useState<Values>(() => startOf(params, earlier));
  const [mode, setMode] = useState<Mode>("form");
  const [generation, setGeneration] = useState(0);
  const [broken, setBroken] = useState(NONE);
  return {
    params,
    values,
    conf: confOf(params, values),
    mode,
    isBroken: broken.size > 0,
    generation,
    choose: (next) => {
      setMode(next);
      setBroken(NONE);
    },
    change: setValues,
    breaks: (name, isBroken) => setBroken((before) => new Set([...before].filter((each) => each !== name).concat(isBroken ? [name] : []))),
    fill: (next) => {
      setValues(startOf(params, next));
      setGeneration((before) => before + 1);
      setBroken(NONE);
    },
  };
}

/** A form, or all values as one JSON text. */
export function ParamsMode({ form: { params, mode, choose } }: { form: ParamsForm }) {
  const { actions: t } = useT();
  if (params.length === 0) return null;
  return <Segments<Mode> label={t.form} value={mode} options={[["form", t.form] as const, ["json", t.json] as const]} onChange={choose} />;
}

/** faults: by the name of a param, or of another field of the request, which has a place of its own. */
interface FieldsProps {
  form: ParamsForm;
  faults: Record<string, string>;
  others?: readonly string[];
  /** Params that the version of the latest run lacked, and the version that has them. */
  news?: { names: ReadonlySet<string>; version: number } | undefined;
}

export function ParamFields({ form, faults, others = [], news }: FieldsProps) {
  const { actions: t } = useT();
  const { params, mode, generation, values } = form;
  const all = Object.entries(faults).filter(([name]) => !others.includes(name));
  const told = (entries: typeof all) => entries.map(([name, message]) => `${name}: ${message}`).join("; ") || undefined;
  if (mode === "json") {
    return (
      <Field key={generation} label="conf" error={told(all)}>
        {(ids) => <JsonInput ids={ids} look="inp" value={values} isObject onBroken={(isBroken) => form.breaks("conf", isBroken)} onChange={(next) => form.change(() => (next ?? {}) as Values)} />}
      </Field>
    );
  }
  const unplaced = told(all.filter(([name]) => params.every((param) => param.name !== name)));
  return (
    <>
      {params.length === 0 && <p className="muted">{t.no_params}</p>}
      {unplaced && (
        <p className="t-bad small" role="alert">
          {unplaced}
        </p>
      )}
      {params.map((param) => (
        <ParamField key={`${param.name} ${generation}`} param={param} value={values[param.name]} error={faults[param.name]} newIn={news?.names.has(param.name) ? news.version : undefined} onBroken={(isBroken) => form.breaks(param.name, isBroken)} onChange={(value) => form.change((before) => ({ ...before, [param.name]: value }))} />
      ))}
    </>
  );
}
