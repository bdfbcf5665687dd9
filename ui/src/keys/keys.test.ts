import { expect, it } from "vitest";
import { nameOf } from "./keys.ts";

const press = (code: string, key: string, more: Partial<KeyboardEvent> = {}) => nameOf({ code, key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...more });

it("names a key by its place, whatever the layout writes", () => {
  expect(press("KeyR", "r")).toBe("KeyR");
  expect(press("KeyR", "ㄱ")).toBe("KeyR");
  expect(press("KeyR", "ㄲ", { shiftKey: true })).toBe("Shift+KeyR");
});

it("names the signs that move with a layout by what they write", () => {
  expect(press("Slash", "?", { shiftKey: true })).toBe("?");
  expect(press("Digit7", "/", { shiftKey: true })).toBe("/");
});

it("takes Control and Command as one", () => {
  expect(press("KeyK", "k", { ctrlKey: true })).toBe(press("KeyK", "k", { metaKey: true }));
});
