/** Which part of a drawing is seen: pure functions of a shift, a scale and sizes. */
import type { Direction, GraphLayout, GraphNode, Point } from "./layout.ts";

/** A point p of the drawing is seen at `x + p.x * scale`, `y + p.y * scale`. */
export type View = { x: number; y: number; scale: number };
export type Size = { width: number; height: number };

export const SCALE_MIN = 0.04;
export const SCALE_MAX = 2.5;
/** Below this scale, or with more nodes in sight, nodes are drawn as shapes without text. */
export const DETAIL_SCALE = 0.3;
export const DETAIL_NODES = 220;
const READABLE_SCALE = 0.7;
export const PADDING = 18;

/** The whole drawing in sight, never larger than life. */
export function fitAll(drawing: Size, frame: Size): View {
  const wide = (frame.width - 2 * PADDING) / Math.max(1, drawing.width);
  const high = (frame.height - 2 * PADDING) / Math.max(1, drawing.height);
  const scale = clampScale(Math.min(wide, high, 1));
  return {
    x: (frame.width - drawing.width * scale) / 2,
    y: (frame.height - drawing.height * scale) / 2,
    scale,
  };
}

/** All of a drawing that is readable so; otherwise the part around `focus` at a readable scale. */
export function openingView(layout: GraphLayout, nodes: readonly GraphNode[], frame: Size, focus: number): View {
  const whole = fitAll(layout, frame);
  if (whole.scale >= READABLE_SCALE || nodes.length > DETAIL_NODES) return whole;
  const node = nodes[focus];
  const position = layout.positions[focus];
  if (!node || !position) return keepInside({ x: PADDING, y: PADDING, scale: READABLE_SCALE }, layout, frame);
  return keepInside(centreOn(position, node, frame, READABLE_SCALE), layout, frame);
}

export function centreOn([x, y]: Point, node: Size, frame: Size, scale: number): View {
  return {
    x: frame.width / 2 - (x + node.width / 2) * scale,
    y: frame.height / 2 - (y + node.height / 2) * scale,
    scale,
  };
}

/** A view that shows no empty space beside the drawing; a drawing that is smaller than the frame is centred. */
export function keepInside(view: View, drawing: Size, frame: Size): View {
  const along = (shift: number, length: number, space: number): number => {
    const size = length * view.scale;
    if (size + 2 * PADDING <= space) return (space - size) / 2;
    return Math.min(PADDING, Math.max(space - PADDING - size, shift));
  };
  return {
    x: along(view.x, drawing.width, frame.width),
    y: along(view.y, drawing.height, frame.height),
    scale: view.scale,
  };
}

/** Zoom by a factor; the point of the frame stays where the point is. */
export function zoomAt(view: View, factor: number, [x, y]: Point): View {
  const scale = clampScale(view.scale * factor);
  const ratio = scale / view.scale;
  return { x: x - (x - view.x) * ratio, y: y - (y - view.y) * ratio, scale };
}

/** The nodes in sight, with a margin; null = so many or so small that they are drawn without text. */
export function nodesInSight(
  layout: GraphLayout,
  nodes: readonly GraphNode[],
  view: View,
  frame: Size,
): number[] | null {
  if (view.scale < DETAIL_SCALE) return null;
  const margin = 160;
  const seen: number[] = [];
  for (let index = 0; index < nodes.length; index++) {
    const [x, y] = layout.positions[index]!;
    const left = view.x + x * view.scale;
    const top = view.y + y * view.scale;
    const isSeen =
      left < frame.width + margin &&
      top < frame.height + margin &&
      left + nodes[index]!.width * view.scale > -margin &&
      top + nodes[index]!.height * view.scale > -margin;
    if (isSeen) seen.push(index);
    if (seen.length > DETAIL_NODES) return null;
  }
  return seen;
}

/** Whether all of a node is in sight. */
export function isInSight([x, y]: Point, node: Size, view: View, frame: Size): boolean {
  const left = view.x + x * view.scale;
  const top = view.y + y * view.scale;
  return (
    left >= 0 &&
    top >= 0 &&
    left + node.width * view.scale <= frame.width &&
    top + node.height * view.scale <= frame.height
  );
}

/** The node at a point of the drawing, or the nearest one within a small distance; -1 = none. */
export function nodeAt(layout: GraphLayout, nodes: readonly GraphNode[], [x, y]: Point, reach = 60): number {
  let best = -1;
  let least = reach;
  nodes.forEach((node, index) => {
    const [left, top] = layout.positions[index]!;
    const dx = Math.max(left - x, 0, x - left - node.width);
    const dy = Math.max(top - y, 0, y - top - node.height);
    const distance = Math.hypot(dx, dy);
    if (distance < least) [best, least] = [index, distance];
  });
  return best;
}

/** The curve of an edge, as the data of an SVG path. */
export function edgePath(route: readonly Point[], direction: Direction): string {
  let data = "";
  route.forEach(([x, y], index) => {
    if (index === 0) {
      data = `M${round(x)} ${round(y)}`;
      return;
    }
    const [fromX, fromY] = route[index - 1]!;
    if (fromX === x || fromY === y) data += `L${round(x)} ${round(y)}`;
    else if (direction === "right") data += curve([(fromX + x) / 2, fromY], [(fromX + x) / 2, y], [x, y]);
    else data += curve([fromX, (fromY + y) / 2], [x, (fromY + y) / 2], [x, y]);
  });
  return data;
}

export type ArrowKey = "ArrowLeft" | "ArrowRight" | "ArrowUp" | "ArrowDown";

/**
 * The node that an arrow key leads to, or -1: along the edges forward and back the nearest neighbour, and
 * beside them the next node of the layer.
 */
export function nodeByKey(
  layout: GraphLayout,
  edges: readonly (readonly [number, number])[],
  current: number,
  key: ArrowKey,
): number {
  const right = layout.direction === "right";
  const forward = right ? "ArrowRight" : "ArrowDown";
  const back = right ? "ArrowLeft" : "ArrowUp";
  const [along, beside] = right ? ([0, 1] as const) : ([1, 0] as const);
  const here = layout.positions[current]!;
  const isNearer = (a: Point, b: Point): boolean => {
    const [nearA, nearB] = [Math.abs(a[along] - here[along]), Math.abs(b[along] - here[along])];
    return nearA === nearB ? Math.abs(a[beside] - here[beside]) < Math.abs(b[beside] - here[beside]) : nearA < nearB;
  };
  let near: number[];
  if (key === forward) near = edges.filter(([from]) => from === current).map(([, to]) => to);
  else if (key === back) near = edges.filter(([, to]) => to === current).map(([from]) => from);
  else {
    const sign = key === "ArrowDown" || key === "ArrowRight" ? 1 : -1;
    near = [...layout.positions.keys()].filter((node) => {
      const there = layout.positions[node]!;
      return there[along] === here[along] && (there[beside] - here[beside]) * sign > 0;
    });
  }
  const better = (best: number, node: number): number =>
    best < 0 || isNearer(layout.positions[node]!, layout.positions[best]!) ? node : best;
  return near.reduce(better, -1);
}

const curve = ([ax, ay]: Point, [bx, by]: Point, [x, y]: Point): string =>
  `C${round(ax)} ${round(ay)} ${round(bx)} ${round(by)} ${round(x)} ${round(y)}`;
const round = (value: number): number => Math.round(value * 10) / 10;
const clampScale = (scale: number): number => Math.min(SCALE_MAX, Math.max(SCALE_MIN, scale));
