import { common } from "./ko/common.ts";
import { dag } from "./ko/dag.ts";
import { home } from "./ko/home.ts";
import { login } from "./ko/login.ts";
import { reasons } from "./ko/reasons.ts";
import { run } from "./ko/run.ts";
import { task } from "./ko/task.ts";
import type { Messages } from "./types.ts";

export const ko: Messages = { common, dag, home, login, reasons, run, task };
