/** What may stand at a place of a definition in YAML. Pure functions. */

/** Names and what they mean, made from the document of the API by ui/tool.py. */
export interface Fields {
  /** By place: `""` = the definition, else the name of the field around. */
  places: Record<string, Record<string, string>>;
  /** By type of the task. */
  tasks: Record<string, Record<string, string>>;
  rules: string[];
}

export interface Option {
  label: string;
  detail: string;
  kind: "field" | "value";
}

export interface Place {
  /** Keys around the cursor, the outermost first. */
  path: string[];
  /** The key whose value is typed; null = a key is typed. */
  key: string | null;
  /** What has been typed of the word. */
  word: string;
}

const KEY = /^(\s*)(?:- )?["']?([^\s"':#]+)["']?\s*:/;
const VALUE = /^\s*(?:- )?([\w-]+):\s+(.*)$/;
const indentOf = (line: string): number => line.length - line.trimStart().length;

/** Where the end of `before` is, by the indents of its lines. */
export function placeOf(before: string): Place {
  const lines = before.split("\n");
  const line = lines.pop() ?? "";
  const path: string[] = [];
  let indent = indentOf(line);
  for (const above of lines.toReversed()) {
    if (indent === 0) break;
    const key = KEY.exec(above);
    if (!key || indentOf(above) >= indent || above.trimStart().startsWith("#")) continue;
    path.unshift(key[2] ?? "");
    indent = indentOf(above);
  }
  const value = VALUE.exec(line);
  const word = /[\w.-]*$/.exec(line)?.[0] ?? "";
  // Within `{a: 1, b` a further key is typed; the key before the brace is around it.
  const brace = /([\w-]+):\s*\{([^{}]*)$/.exec(line);
  if (brace) {
    const last = brace[2]?.split(",").at(-1) ?? "";
    const inner = /^\s*([\w-]+):\s*\S*$/.exec(last);
    return { path: [...path, brace[1] ?? ""], key: inner?.[1] ?? null, word };
  }
  return { path, key: value?.[1] ?? null, word };
}

/** Ids of the tasks, by the keys below `tasks:`. */
export function taskIdsOf(text: string): string[] {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => /^tasks:\s*$/.test(line));
  if (start < 0) return [];
  const ids: string[] = [];
  let indent = 0;
  for (const line of lines.slice(start + 1)) {
    if (line.trim() === "" || line.trimStart().startsWith("#")) continue;
    if (indentOf(line) === 0) break;
    indent ||= indentOf(line);
    const key = KEY.exec(line);
    if (key && indentOf(line) === indent) ids.push(key[2] ?? "");
  }
  return ids;
}

/** The type of a task that is written above or below the place; null = none yet. */
export function typeOf(text: string, taskId: string): string | null {
  const lines = text.split("\n");
  const start = lines.findIndex((line) => KEY.exec(line)?.[2] === taskId && indentOf(line) > 0);
  if (start < 0) return null;
  const indent = indentOf(lines[start] ?? "");
  const own = [lines[start] ?? ""];
  for (const line of lines.slice(start + 1)) {
    if (line.trim() && indentOf(line) <= indent) break;
    own.push(line);
  }
  return /(?:^|[{,\s])type:\s*([a-z]+)/.exec(own.join("\n"))?.[1] ?? null;
}

interface Names {
  pools: readonly string[];
  secrets: readonly string[];
}

/** The options at the end of `before`, a beginning of `text`. */
export function optionsOf(before: string, text: string, fields: Fields, names: Names): Option[] {
  const place = placeOf(before);
  if (place.key !== null) return valuesOf(place, text, fields, names).map((label) => ({ label, detail: "", kind: "value" }));
  const known = fieldsOf(place, text, fields);
  return Object.entries(known).map(([label, detail]) => ({ label, detail, kind: "field" }));
}

function fieldsOf({ path }: Place, text: string, fields: Fields): Record<string, string> {
  const [first, second] = path;
  if (path.length === 0) return fields.places[""] ?? {};
  if (first === "tasks" && second !== undefined && path.length === 2) {
    const type = typeOf(text, second);
    return (type && fields.tasks[type]) || Object.assign({}, ...Object.values(fields.tasks));
  }
  return path.length === 1 && first !== "tasks" ? (fields.places[first ?? ""] ?? {}) : {};
}

function valuesOf({ key, path }: Place, text: string, fields: Fields, names: Names): readonly string[] {
  if (key === "type" && path[0] === "tasks") return Object.keys(fields.tasks);
  if (key === "trigger_rule") return fields.rules;
  if (key === "depends_on") return taskIdsOf(text).filter((id) => id !== path[1]);
  if (key === "pool") return names.pools;
  if (key === "secret") return names.secrets;
  return [];
}
