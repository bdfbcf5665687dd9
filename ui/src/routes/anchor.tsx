import { useRouter } from "@tanstack/react-router";
import { type ComponentProps, type MouseEvent } from "react";

/** A link to an address of the page, with its query and its hash as they are; a click with Ctrl opens a new tab. */
export function Anchor({ href, onClick, ...rest }: ComponentProps<"a"> & { href: string }) {
  const router = useRouter();
  const follow = (event: MouseEvent<HTMLAnchorElement>): void => {
    onClick?.(event);
    if (event.defaultPrevented || event.button !== 0 || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void router.navigate({ href });
  };
  return <a {...rest} href={href} onClick={follow} />;
}
