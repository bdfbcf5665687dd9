import { type ComponentProps, type ReactNode } from "react";

interface Props extends ComponentProps<"button"> {
  primary?: boolean;
  bare?: boolean;
  icon?: boolean;
  /** The key that does the same, shown on the button. */
  hotkey?: string | undefined;
  /** Why it is off just now: shown in the tooltip, and read. */
  off?: string | undefined;
}

export function Button({ primary, bare, icon, hotkey, off, className = "", children, ...rest }: Props) {
  const names = ["btn", primary && "pri", bare && "bare", icon && "icon", className].filter(Boolean).join(" ");
  return (
    <button type="button" {...rest} {...(off ? { disabled: true, title: off } : {})} className={names}>
      {children}
      {hotkey && <kbd>{hotkey}</kbd>}
    </button>
  );
}

interface SegmentProps<Value extends string> {
  label: string;
  value: Value;
  options: readonly (readonly [Value, ReactNode])[];
  onChange(value: Value): void;
  className?: string;
}

/** One of a few, all in sight. */
export function Segments<Value extends string>({ label, value, options, onChange, className = "" }: SegmentProps<Value>) {
  return (
    <div className={`seg ${className}`} role="group" aria-label={label}>
      {options.map(([key, text]) => (
        <button key={key} type="button" aria-pressed={key === value} className={key === value ? "on" : ""} onClick={() => onChange(key)}>
          {text}
        </button>
      ))}
    </div>
  );
}

/** A filter that is on or off. */
export function Chip({ on, children, ...rest }: ComponentProps<"button"> & { on: boolean }) {
  return (
    <button type="button" {...rest} className={`chip ${rest.className ?? ""}`} aria-pressed={on}>
      {children}
    </button>
  );
}
