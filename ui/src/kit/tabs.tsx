import { type ReactNode, useEffect, useRef } from "react";

/** Links to the parts of a page in one row. A narrow screen scrolls the row to the present part. */
export function Tabs({ label, current, children }: { label: string; current: string | undefined; children: ReactNode }) {
  const row = useRef<HTMLElement>(null);
  useEffect(() => {
    const [nav, link] = [row.current, row.current?.querySelector<HTMLElement>("[aria-current]")];
    if (!nav || !link) return;
    const show = () => {
      nav.scrollLeft = link.offsetLeft - nav.offsetLeft - (nav.clientWidth - link.clientWidth) / 2;
    };
    show();
    // Counts of tabs come later, and move the row until the reader does.
    const observer = new ResizeObserver(show);
    for (const each of nav.children) observer.observe(each);
    const stop = () => observer.disconnect();
    for (const kind of ["pointerdown", "wheel", "touchstart"]) nav.addEventListener(kind, stop, { once: true, passive: true });
    return stop;
  }, [current]);
  return (
    <nav ref={row} className="tabs" aria-label={label}>
      {children}
    </nav>
  );
}

/** How many things a tab has; nothing while that is unknown. */
export const TabCount = ({ children }: { children: ReactNode }) => children !== undefined && <> <span className="n">{children}</span></>;
