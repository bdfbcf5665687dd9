import { actions } from "./ko/actions.ts";
import { admin } from "./ko/admin.ts";
import { common } from "./ko/common.ts";
import { dag } from "./ko/dag.ts";
import { editor } from "./ko/editor.ts";
import { home } from "./ko/home.ts";
import { lists } from "./ko/lists.ts";
import { login } from "./ko/login.ts";
import { reasons } from "./ko/reasons.ts";
import { run } from "./ko/run.ts";
import { task } from "./ko/task.ts";
import type { Messages } from "./types.ts";

export const ko: Messages = { actions, admin, common, dag, editor, home, lists, login, reasons, run, task };
