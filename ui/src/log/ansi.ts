/** The text of a log line as pieces with classes. Nothing of a line becomes markup. */
import Anser from "anser";

/** `className` names colours that are legible in both themes; "" = plain. */
export interface Piece {
  text: string;
  className: string;
}

const HUES = ["k", "r", "g", "y", "b", "m", "c", "w"] as const;
const NAMES: Readonly<Record<string, number>> = { black: 0, red: 1, green: 2, yellow: 3, blue: 4, magenta: 5, cyan: 6, white: 7 };

/** Sequences that move a cursor, set a title or make a link: a log has no cursor, so they are left out. */
// eslint-disable-next-line no-control-regex
const OTHER_SEQUENCES = /\u001b(?:\][^\u0007\u001b]*(?:\u0007|\u001b\\)|\[[0-9;?]*[A-Za-ln-z]|[()][0-9A-B]|[=>78cDEHMNOZ])/g;
/** Control characters, and the invisible ones that turn the order of a text around. */
// eslint-disable-next-line no-control-regex
const INVISIBLE = /[\u0000-\u0008\u000a-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;

/** The line without colours, with a symbol for each control character: what is searched and copied. */
export function plainText(line: string): string {
  // eslint-disable-next-line no-control-regex
  return symbols(clean(line).replace(/\u001b\[[0-9;]*m/g, ""));
}

export function ansiPieces(line: string): Piece[] {
  const text = clean(line);
  if (!text.includes("\u001b[")) return text === "" ? [] : [{ text: symbols(text), className: "" }];
  return Anser.ansiToJson(text, { json: true, use_classes: true, remove_empty: true }).map((part) => ({
    text: symbols(part.content),
    className: classOf(part),
  }));
}

/** The pieces with the marked ranges of the plain text cut out, so that each can be drawn as a mark. */
export function markPieces(pieces: readonly Piece[], ranges: readonly (readonly [start: number, length: number])[]): (Piece & { isMarked: boolean })[] {
  const marked: (Piece & { isMarked: boolean })[] = [];
  let offset = 0;
  for (const piece of pieces) {
    const edges = new Set([0, piece.text.length]);
    for (const [start, length] of ranges) {
      for (const edge of [start - offset, start + length - offset]) if (edge > 0 && edge < piece.text.length) edges.add(edge);
    }
    const cuts = [...edges].sort((a, b) => a - b);
    for (let index = 1; index < cuts.length; index++) {
      const from = cuts[index - 1]!;
      const isMarked = ranges.some(([start, length]) => offset + from >= start && offset + from < start + length);
      marked.push({ text: piece.text.slice(from, cuts[index]), className: piece.className, isMarked });
    }
    offset += piece.text.length;
  }
  return marked;
}

const clean = (line: string): string => line.replace(/\r+$/, "").replace(OTHER_SEQUENCES, "");

function symbols(text: string): string {
  return text.replace(INVISIBLE, (character) => {
    const code = character.charCodeAt(0);
    if (code < 0x20) return String.fromCharCode(0x2400 + code);
    if (code === 0x7f) return "\u2421";
    return `\u27e8U+${code.toString(16).toUpperCase().padStart(4, "0")}\u27e9`;
  });
}

function classOf(part: Anser.AnserJsonEntry): string {
  const classes: string[] = [];
  const [front, back] = [hueOf(part.fg, part.fg_truecolor), hueOf(part.bg, part.bg_truecolor)];
  if (front) classes.push(`a-${front}`);
  if (back) classes.push(`ab-${back}`);
  const decorations: readonly string[] = part.decorations;
  if (decorations.includes("bold")) classes.push("a-bold");
  if (decorations.includes("dim")) classes.push("a-dim");
  if (decorations.includes("italic")) classes.push("a-italic");
  if (decorations.includes("underline")) classes.push("a-under");
  return classes.join(" ");
}

/** The nearest of the eight colours that a theme has: 256 and true colours keep their hue, not their exact shade. */
function hueOf(name: string | null, trueColour: string | null): string | null {
  if (!name) return null;
  if (trueColour && name === "ansi-truecolor") return nearestHue(trueColour.split(",").map(Number));
  const palette = /^ansi-palette-(\d+)$/.exec(name);
  if (palette) return paletteHue(Number(palette[1]));
  const basic = NAMES[name.replace("ansi-", "").replace("bright-", "")];
  return basic === undefined ? null : (HUES[basic] ?? null);
}

function paletteHue(index: number): string {
  if (index < 16) return HUES[index % 8]!;
  if (index >= 232) return index < 244 ? "k" : "w";
  const cube = index - 16;
  return nearestHue([Math.floor(cube / 36), Math.floor(cube / 6) % 6, cube % 6].map((level) => level * 51));
}

function nearestHue([red = 0, green = 0, blue = 0]: number[]): string {
  const [most, least] = [Math.max(red, green, blue), Math.min(red, green, blue)];
  if (most - least < 40) return most > 127 ? "w" : "k";
  const span = most - least;
  const sextant = most === red ? ((green - blue) / span + 6) % 6 : most === green ? (blue - red) / span + 2 : (red - green) / span + 4;
  return ["r", "y", "g", "c", "b", "m"][Math.round(sextant) % 6]!;
}
