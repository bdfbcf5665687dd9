import { Dialog as Base } from "@base-ui/react/dialog";
import { type FormEvent, type KeyboardEvent, type ReactNode, useRef } from "react";
import { useT } from "../i18n/index.tsx";
import { Button } from "./button.tsx";
import { Icon } from "./icon.tsx";

interface Props {
  open: boolean;
  onClose(): void;
  title: ReactNode;
  children: ReactNode;
  /** Beside the buttons: what the dry run says. */
  status?: ReactNode;
  /** The button that does it; absent = the dialog only shows. */
  submit?: { text: ReactNode; onSubmit(): void; off?: string | undefined; isBusy?: boolean };
  wide?: boolean;
  /** Without a form and buttons of its own. */
  isBare?: boolean;
}

/** A dialog: Esc closes, Ctrl+Enter does it, Enter does it from a field of one line, and right after the dialog opened. */
export function Dialog({ open, onClose, title, children, status, submit, wide = false, isBare = false }: Props) {
  const { common } = useT();
  const popup = useRef<HTMLDivElement>(null);
  const isOff = !submit || submit.isBusy || submit.off !== undefined;
  const onSubmit = (event?: FormEvent) => {
    event?.preventDefault();
    if (!isOff) submit.onSubmit();
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== "Enter" || event.nativeEvent.isComposing || event.repeat) return;
    if (event.ctrlKey || event.metaKey || event.target === popup.current) onSubmit();
  };
  return (
    <Base.Root open={open} onOpenChange={(next) => !next && onClose()}>
      <Base.Portal>
        <Base.Backdrop className="scrim" />
        <Base.Popup ref={popup} initialFocus={submit ? () => focusIn(popup.current) : true} className={`dialog over${wide ? " wide" : ""}`} onKeyDown={onKeyDown}>
          <header>
            <Base.Title className="b lead">{title}</Base.Title>
            <span className="grow" />
            <Base.Close className="btn bare icon" aria-label={common.close}>
              <Icon name="x" />
            </Base.Close>
          </header>
          {isBare ? (
            <div className="dialog-form">
              <div className="body stack">{children}</div>
            </div>
          ) : (
          <form onSubmit={onSubmit} className="dialog-form">
            <div className="body stack">{children}</div>
            <footer>
              <span className="small muted grow" role="status">
                {status}
              </span>
              <Base.Close className="btn">
                {submit ? common.cancel : common.close} <kbd>Esc</kbd>
              </Base.Close>
              {submit && (
                <Button primary type="submit" disabled={isOff} title={submit.off}>
                  {submit.text} <kbd>↵</kbd>
                </Button>
              )}
            </footer>
          </form>
          )}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

/** The field that took the focus by itself, else the dialog: the focus on the button that closes made Enter close it. */
const focusIn = (popup: HTMLElement | null): HTMLElement | null => (popup?.contains(document.activeElement) ? (document.activeElement as HTMLElement) : popup);
