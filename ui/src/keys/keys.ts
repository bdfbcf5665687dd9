import { useEffect, useRef } from "react";

const SETTING = "mainspring.single_keys";
export const areSingleKeysOn = (): boolean => localStorage.getItem(SETTING) !== "off";
export const setSingleKeys = (on: boolean): void => localStorage.setItem(SETTING, on ? "on" : "off");

/**
 * The name of a key press: `KeyR`, `Shift+Slash`, `Ctrl+KeyK`. By the place of the key, so that a Hangul layout, whose
 * R gives ㄱ, presses the same; by the character for the few signs that move with a layout.
 */
export function nameOf(event: Pick<KeyboardEvent, "code" | "key" | "ctrlKey" | "metaKey" | "altKey" | "shiftKey">): string {
  if (event.key === "?" || event.key === "/") return event.key;
  const control = event.ctrlKey || event.metaKey ? "Ctrl+" : "";
  return control + (event.altKey ? "Alt+" : "") + (event.shiftKey ? "Shift+" : "") + event.code;
}

/** Whether a press belongs to a text, not to the page. */
export function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof Element)) return false;
  return target.closest("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable], [role=textbox], [data-typing]") !== null;
}

export type Bindings = Record<string, (event: KeyboardEvent) => void>;

const stack: { current: Bindings }[] = [];
let prefix = "";
let prefixTimer: ReturnType<typeof setTimeout> | undefined;
let handledDown = "";

function find(name: string): ((event: KeyboardEvent) => void) | undefined {
  for (let index = stack.length - 1; index >= 0; index -= 1) {
    const handler = stack[index]?.current[name];
    if (handler) return handler;
  }
  return undefined;
}

function press(event: KeyboardEvent): boolean {
  if (event.isComposing || event.defaultPrevented) return false;
  const name = nameOf(event);
  const isSingle = !/Ctrl\+|Alt\+/.test(name);
  if (isSingle && (isTyping(event.target) || !areSingleKeysOn())) return false;
  // A dialog has keys of its own; only it acts while it is open.
  if (document.querySelector('[role="dialog"], [role="alertdialog"]') && name !== "Ctrl+KeyK") return false;
  if (document.querySelector('[role="menu"]')) return false;
  const handler = (prefix && find(`${prefix} ${name}`)) || find(name);
  prefix = "";
  if (name === "KeyG") {
    prefix = "KeyG";
    clearTimeout(prefixTimer);
    prefixTimer = setTimeout(() => (prefix = ""), 1200);
  }
  if (!handler) return false;
  event.preventDefault();
  handler(event);
  return true;
}

// Where an input method hides the press down (`key` is "Process", `code` empty), the release acts.
const onKeyDown = (event: KeyboardEvent) => {
  handledDown = event.code;
  if (event.code) press(event);
};
const onKeyUp = (event: KeyboardEvent) => {
  if (event.code && event.code !== handledDown) press(event);
  handledDown = "";
};

/** Install the listeners once; the bindings come from `useKeys`. */
export function listenToKeys(): void {
  window.addEventListener("keydown", onKeyDown);
  window.addEventListener("keyup", onKeyUp);
}

/** Keys of a part of the page while it is shown; the part that came last wins. */
export function useKeys(bindings: Bindings): void {
  const entry = useRef(bindings);
  entry.current = bindings;
  useEffect(() => {
    stack.push(entry);
    return () => void stack.splice(stack.indexOf(entry), 1);
  }, []);
}
