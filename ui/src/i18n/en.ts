import { common } from "./en/common.ts";
import { dag } from "./en/dag.ts";
import { home } from "./en/home.ts";
import { login } from "./en/login.ts";
import { reasons } from "./en/reasons.ts";
import { run } from "./en/run.ts";
import { task } from "./en/task.ts";

export const en = { common, dag, home, login, reasons, run, task };
