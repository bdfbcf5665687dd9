import type { Messages } from "../types.ts";

export const dag: Messages["dag"] = {};
