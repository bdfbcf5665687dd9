import type { Messages } from "../types.ts";

export const task: Messages["task"] = {};
