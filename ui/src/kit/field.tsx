import { Checkbox as BaseCheckbox } from "@base-ui/react/checkbox";
import { Radio as BaseRadio } from "@base-ui/react/radio";
import { RadioGroup } from "@base-ui/react/radio-group";
import { Switch as BaseSwitch } from "@base-ui/react/switch";
import { type ComponentProps, type ReactNode, useId, useState } from "react";
import { Glyph } from "./state.tsx";

interface FieldProps {
  label: ReactNode;
  hint?: ReactNode;
  /** What is wrong with the value, by the server's own check. */
  error?: string | undefined;
  required?: boolean;
  aside?: ReactNode;
  children(ids: { id: string; "aria-describedby"?: string; "aria-invalid"?: true }): ReactNode;
}

/** A labelled control with its hint and its error, tied together for readers. */
export function Field({ label, hint, error, required = false, aside, children }: FieldProps) {
  const id = useId();
  const described = [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ");
  return (
    <div className="field">
      <label htmlFor={id}>
        {label} {aside && <span className="req">{aside}</span>}
        {required && <span aria-hidden="true"> *</span>}
      </label>
      {hint && (
        <span className="hint" id={`${id}-hint`}>
          {hint}
        </span>
      )}
      {children({ id, ...(described ? { "aria-describedby": described } : {}), ...(error ? { "aria-invalid": true } : {}) })}
      {error && (
        <span className="msg" id={`${id}-error`} role="alert">
          <Glyph state="failed" />
          {error}
        </span>
      )}
    </div>
  );
}

interface TypedProps extends Omit<ComponentProps<"input">, "value" | "onChange"> {
  value: string;
  onChange(text: string): void;
}

/**
 * An input whose value is what became of the text: a number, or a part of the address, which follows later. While the input has
 * the focus it shows what was typed, so that no value takes a letter back. Without the focus it shows the value.
 */
export function TypedInput({ value, onChange, onBlur, ...rest }: TypedProps) {
  const [typed, setTyped] = useState<string | null>(null);
  return (
    <input
      {...rest}
      value={typed ?? value}
      onChange={(event) => {
        setTyped(event.target.value);
        onChange(event.target.value);
      }}
      onBlur={(event) => {
        setTyped(null);
        onBlur?.(event);
      }}
    />
  );
}

interface SwitchProps {
  on: boolean;
  onChange(on: boolean): void;
  label: string;
  disabled?: boolean;
}

export const Switch = ({ on, onChange, label, disabled = false }: SwitchProps) => (
  <BaseSwitch.Root checked={on} onCheckedChange={onChange} disabled={disabled} className={on ? "sw" : "sw off"} aria-label={label} title={label} />
);

interface CheckProps {
  checked: boolean;
  onChange(checked: boolean): void;
  children?: ReactNode;
  label?: string;
  disabled?: boolean;
  some?: boolean;
}

export function Checkbox({ checked, onChange, children, label, disabled = false, some = false }: CheckProps) {
  const box = (
    <BaseCheckbox.Root
      checked={checked}
      indeterminate={some}
      onCheckedChange={(next) => onChange(next)}
      disabled={disabled}
      className={`ck${checked ? " on" : ""}${some ? " some" : ""}`}
      {...(label ? { "aria-label": label } : {})}
    />
  );
  return children ? (
    <label className="opt">
      {box}
      {children}
    </label>
  ) : (
    box
  );
}

interface RadiosProps<Value extends string> {
  label: string;
  value: Value;
  options: readonly (readonly [Value, ReactNode])[];
  onChange(value: Value): void;
}

export const Radios = <Value extends string>({ label, value, options, onChange }: RadiosProps<Value>) => (
  <RadioGroup value={value} onValueChange={(next) => onChange(next as Value)} aria-label={label} className="row wrap radios">
    {options.map(([key, text]) => (
      <label key={key} className="opt">
        <BaseRadio.Root value={key} className={key === value ? "rd on" : "rd"} />
        {text}
      </label>
    ))}
  </RadioGroup>
);
