/** The editor of definitions. Loaded when it is needed: most readers never edit. */
import { autocompletion, completionKeymap, type CompletionContext } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, bracketMatching, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { type Diagnostic, forEachDiagnostic, lintGutter, lintKeymap, nextDiagnostic, setDiagnostics } from "@codemirror/lint";
import { diff, unifiedMergeView } from "@codemirror/merge";
import { search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, type Extension } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import type { Option } from "./complete.ts";
import type { EditorProblem } from "./problems.ts";

export interface Editor {
  /** Show another text, with the cursor where it was; undo brings the old one back. */
  setText(text: string): void;
  setProblems(problems: readonly EditorProblem[], fixLabel: (word: string) => string): void;
  /** Show what differs from another text; null = the text alone. */
  compareWith(text: string | null): void;
  goTo(line: number): void;
  nextProblem(): void;
  focus(): void;
  destroy(): void;
}

export interface EditorOptions {
  text: string;
  label: string;
  onChange(text: string): void;
  onSave(): void;
  optionsAt(before: string, text: string): readonly Option[];
}

/** How long two texts are compared for the least difference: characters of a part, milliseconds of the whole. */
const DIFF = { scanLimit: 1000, timeout: 100 };

const THEME = EditorView.theme({
  "&": { backgroundColor: "var(--surface)", color: "var(--ink)", fontSize: "12px", maxBlockSize: "max(360px, calc(100vh - 250px))" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "20px" },
  ".cm-content": { caretColor: "var(--ink)", paddingBlock: "6px" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--ink-3)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--ink) 4%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--run) 26%, transparent)" },
  ".cm-matchingBracket, &.cm-focused .cm-matchingBracket": { backgroundColor: "var(--selected)", outline: "1px solid var(--line-2)" },
  ".cm-tooltip": { backgroundColor: "var(--raised)", color: "var(--ink)", border: "1px solid var(--line-2)", borderRadius: "6px", fontFamily: "var(--sans)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--selected)", color: "var(--ink)" },
  ".cm-completionDetail": { color: "var(--ink-2)", fontStyle: "normal", marginInlineStart: "12px" },
  ".cm-diagnostic-error": { borderInlineStart: "3px solid var(--bad)", color: "var(--bad-text)" },
  ".cm-diagnostic-warning": { borderInlineStart: "3px solid var(--retry)", color: "var(--retry-text)" },
  ".cm-diagnosticAction": { backgroundColor: "var(--ink)", color: "var(--on-ink)" },
  ".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--ink)" },
  ".cm-textfield, .cm-button": { backgroundColor: "var(--surface)", backgroundImage: "none", color: "var(--ink)", border: "1px solid var(--line-strong)" },
  ".cm-changedLine, &.cm-merge-b .cm-changedLine": { backgroundColor: "var(--ok-tint)" },
  ".cm-changedText, &.cm-merge-b .cm-changedText": { background: "none", fontWeight: "600" },
  ".cm-deletedChunk": { backgroundColor: "var(--bad-tint)" },
  ".cm-deletedChunk .cm-deletedText": { background: "none", textDecoration: "line-through" },
  "&.cm-merge-b .cm-changedLineGutter": { backgroundColor: "var(--ok)" },
  ".cm-deletedLineGutter": { backgroundColor: "var(--bad)" },
});

const HIGHLIGHT = HighlightStyle.define([
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], fontWeight: "600" },
  { tag: tags.comment, color: "var(--ink-3)", fontStyle: "italic" },
  { tag: [tags.meta, tags.labelName, tags.typeName], color: "var(--run-text)" },
  { tag: [tags.separator, tags.punctuation, tags.squareBracket, tags.brace], color: "var(--ink-2)" },
]);

/** Mount an editor in a shadow root of `host`: its styles are then constructed sheets, which the page's policy allows. */
export function mountEditor(host: HTMLElement, options: EditorOptions): Editor {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open" });
  const merge = new Compartment();
  const view = new EditorView({ root, parent: root, state: EditorState.create({ doc: options.text, extensions: [extensions(options), merge.of([])] }) });
  const placed = (problem: EditorProblem): problem is EditorProblem & { line: number } => problem.line !== null && problem.line <= view.state.doc.lines;
  return {
    setText(text) {
      const shown = view.state.doc.toString();
      // Only what differs: the cursor stays where the reader types.
      const wanted = view.state.toText(text).toString();
      const changes = diff(shown, wanted, DIFF).map(({ fromA, toA, fromB, toB }) => ({ from: fromA, to: toA, insert: wanted.slice(fromB, toB) }));
      if (changes.length > 0) view.dispatch({ changes });
    },
    setProblems(problems, fixLabel) {
      const diagnostics = problems.filter(placed).map((problem) => diagnosticOf(view, problem, fixLabel));
      view.dispatch(setDiagnostics(view.state, diagnostics));
    },
    compareWith(text) {
      view.dispatch({ effects: merge.reconfigure(text === null ? [] : unifiedMergeView({ original: text, mergeControls: false })) });
    },
    goTo(line) {
      const at = view.state.doc.line(Math.max(1, Math.min(line, view.state.doc.lines)));
      view.dispatch({ selection: { anchor: at.from }, effects: EditorView.scrollIntoView(at.from, { y: "center" }) });
      view.focus();
    },
    nextProblem: () => void (nextDiagnostic(view), view.focus()),
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}

function extensions({ label, onChange, onSave, optionsAt }: EditorOptions): Extension {
  const complete = (context: CompletionContext) => {
    const text = context.state.doc.toString();
    const word = context.matchBefore(/[\w.-]*/);
    if (!context.explicit && (!word || word.from === word.to)) return null;
    const options = optionsAt(text.slice(0, context.pos), text);
    if (options.length === 0) return null;
    return {
      from: word?.from ?? context.pos,
      options: options.map(({ label: name, detail, kind }) => ({ label: name, detail, apply: kind === "field" ? `${name}: ` : name, type: kind === "field" ? "property" : "constant" })),
      validFor: /^[\w.-]*$/,
    };
  };
  const save = () => {
    onSave();
    return true;
  };
  return [
    lineNumbers(),
    lintGutter(),
    history(),
    drawSelection(),
    indentOnInput(),
    bracketMatching(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    yaml(),
    syntaxHighlighting(HIGHLIGHT),
    autocompletion({ override: [complete], icons: false }),
    search({ top: true }),
    keymap.of([{ key: "Mod-s", run: save, preventDefault: true }, { key: "Mod-.", run: applyFix }, ...completionKeymap, ...lintKeymap, ...searchKeymap, ...historyKeymap, ...defaultKeymap]),
    EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
    EditorView.updateListener.of((update) => update.docChanged && onChange(update.state.doc.toString())),
    EditorState.tabSize.of(2),
    THEME,
  ];
}

function diagnosticOf(view: EditorView, problem: EditorProblem & { line: number }, fixLabel: (word: string) => string): Diagnostic {
  const line = view.state.doc.line(problem.line);
  const { fix, severity, message } = problem;
  return {
    from: Math.min(line.from + problem.from, line.to),
    to: Math.min(line.from + problem.to, line.to),
    severity,
    message,
    ...(fix === null ? {} : { actions: [{ name: fixLabel(fix), apply: (target: EditorView, from: number, to: number) => target.dispatch({ changes: { from, to, insert: fix } }) }] }),
  };
}

/** Cure the fault of the line with the cursor, where the server knows how. */
function applyFix(view: EditorView): boolean {
  const line = view.state.doc.lineAt(view.state.selection.main.head);
  const cures: (() => void)[] = [];
  // What was typed since the server spoke has moved the faults.
  forEachDiagnostic(view.state, ({ actions }, from, to) => {
    const action = actions?.[0];
    if (action && from >= line.from && to <= line.to) cures.push(() => action.apply(view, from, to));
  });
  cures[0]?.();
  return cures.length > 0;
}
