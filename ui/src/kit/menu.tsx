import { Menu as Base } from "@base-ui/react/menu";
import { type ReactElement, type ReactNode } from "react";

interface Props {
  label: string;
  trigger: ReactNode;
  className?: string;
  /** The edge of the button at which the list begins. */
  align?: "start" | "end";
  children: ReactNode;
}

/** A button that opens a list of actions or choices. Its text is its name; a button of an icon alone takes the label. */
export function Menu({ label, trigger, className = "btn bare small", align = "end", children }: Props) {
  return (
    <Base.Root>
      <Base.Trigger className={className} title={label} {...(/\bicon\b/.test(className) ? { "aria-label": label } : {})}>
        {trigger}
      </Base.Trigger>
      <Base.Portal>
        <Base.Positioner className="floating" sideOffset={4} align={align}>
          <Base.Popup className="menu">{children}</Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}

export const MenuItem = ({ onClick, children, disabled = false }: { onClick(): void; children: ReactNode; disabled?: boolean }) => (
  <Base.Item className="menu-item" onClick={onClick} disabled={disabled}>
    {children}
  </Base.Item>
);

/** An item that is a link: `render` is the link. */
export const MenuLink = ({ render, children }: { render: ReactElement; children: ReactNode }) => (
  <Base.Item className="menu-item" render={render as ReactElement<Record<string, unknown>>}>
    {children}
  </Base.Item>
);

interface ChoiceProps<Value extends string> {
  label: string;
  value: Value;
  options: readonly (readonly [Value, ReactNode])[];
  onChange(value: Value): void;
}

/** One of several, in a menu. */
export function MenuChoice<Value extends string>({ label, value, options, onChange }: ChoiceProps<Value>) {
  return (
    <Base.Group>
      <Base.GroupLabel className="menu-label">{label}</Base.GroupLabel>
      <Base.RadioGroup value={value} onValueChange={(next) => onChange(next as Value)}>
        {options.map(([key, text]) => (
          <Base.RadioItem key={key} value={key} className="menu-item" closeOnClick>
            <span className="menu-tick">
              <Base.RadioItemIndicator>✓</Base.RadioItemIndicator>
            </span>
            {text}
          </Base.RadioItem>
        ))}
      </Base.RadioGroup>
    </Base.Group>
  );
}

export const MenuLine = () => <Base.Separator className="menu-line" />;
