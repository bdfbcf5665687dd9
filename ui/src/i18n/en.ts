import { actions } from "./en/actions.ts";
import { admin } from "./en/admin.ts";
import { common } from "./en/common.ts";
import { dag } from "./en/dag.ts";
import { editor } from "./en/editor.ts";
import { home } from "./en/home.ts";
import { lists } from "./en/lists.ts";
import { login } from "./en/login.ts";
import { reasons } from "./en/reasons.ts";
import { run } from "./en/run.ts";
import { task } from "./en/task.ts";

export const en = { actions, admin, common, dag, editor, home, lists, login, reasons, run, task };
