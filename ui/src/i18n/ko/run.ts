import type { Messages } from "../types.ts";

export const run: Messages["run"] = {};
