import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";
import type { GraphLayout, GraphNode, Point } from "./layout.ts";
import { centreOn, fitAll, isInSight, keepInside, nodesInSight, openingView, zoomAt, type Size, type View } from "./view.ts";

export interface GraphView {
  /** The nodes that are drawn with text; null = all as shapes. */
  seen: number[] | null;
  frame: Size;
  fit(): void;
  zoom(factor: number): void;
  pan(x: number, y: number): void;
  /** The point of the drawing at a place of the window. */
  pointOf(clientX: number, clientY: number): Point;
  /** Bring a node into sight, at a scale at which it can be read. */
  reveal(node: number): void;
}

const SETTLE_MS = 60;

/**
 * Pan and zoom of a drawing. A move changes the `transform` of `scene` and nothing else; React draws again only when
 * another set of nodes is in sight.
 */
export function useView(
  svg: RefObject<SVGSVGElement | null>,
  scene: RefObject<SVGGElement | null>,
  layout: GraphLayout | null,
  nodes: readonly GraphNode[],
  focus: number,
): GraphView {
  const view = useRef<View>({ x: 0, y: 0, scale: 1 });
  const due = useRef(0);
  const [frame, setFrame] = useState<Size>({ width: 0, height: 0 });
  const [seen, setSeen] = useState<number[] | null>([]);
  const look = useCallback(() => {
    window.clearTimeout(due.current);
    due.current = 0;
    if (layout) setSeen((before) => same(before, nodesInSight(layout, nodes, view.current, frame)));
  }, [layout, nodes, frame]);
  const show = useCallback(
    (next: View) => {
      view.current = next;
      scene.current?.setAttribute("transform", `translate(${next.x.toFixed(2)} ${next.y.toFixed(2)}) scale(${next.scale.toFixed(4)})`);
      if (due.current === 0) due.current = window.setTimeout(look, SETTLE_MS);
    },
    [scene, look],
  );
  useFrameSize(svg, setFrame);
  const opened = useRef<GraphLayout | null>(null);
  useLayoutEffect(() => {
    if (!layout || frame.width === 0) return;
    const isNew = opened.current !== layout;
    opened.current = layout;
    show(isNew ? openingView(layout, nodes, frame, focus) : keepInside(view.current, layout, frame));
    look();
    // The chosen node moves the view when the drawing opens, not with every choice.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [layout, frame, show, look]);
  useEffect(() => () => window.clearTimeout(due.current), []);
  const move = useCallback((next: View) => layout && show(keepInside(next, layout, frame)), [layout, frame, show]);
  usePointer(svg, view, move);
  return {
    seen,
    frame,
    fit: () => layout && show(fitAll(layout, frame)),
    zoom: (factor) => move(zoomAt(view.current, factor, [frame.width / 2, frame.height / 2])),
    pan: (x, y) => move({ ...view.current, x: view.current.x + x, y: view.current.y + y }),
    pointOf: (clientX, clientY) => {
      const box = svg.current!.getBoundingClientRect();
      return [(clientX - box.x - view.current.x) / view.current.scale, (clientY - box.y - view.current.y) / view.current.scale];
    },
    reveal: (node) => {
      const position = layout?.positions[node];
      const box = nodes[node];
      if (!layout || !position || !box) return;
      const isReadable = view.current.scale >= 0.6 && isInSight(position, box, view.current, frame);
      if (!isReadable) show(keepInside(centreOn(position, box, frame, Math.max(view.current.scale, 0.8)), layout, frame));
      look();
    },
  };
}

const same = (before: number[] | null, next: number[] | null): number[] | null =>
  before && next && before.length === next.length && before.every((node, index) => node === next[index]) ? before : next;

function useFrameSize(svg: RefObject<SVGSVGElement | null>, set: (size: Size) => void): void {
  useLayoutEffect(() => {
    const element = svg.current;
    if (!element) return;
    const measure = (): void => set({ width: element.clientWidth, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, [svg, set]);
}

/**
 * Dragging and pinching. A wheel alone scrolls the page, as everywhere on it; with Ctrl, as a pinch on a touchpad
 * sends, the wheel zooms, and sideways it pans.
 */
function usePointer(svg: RefObject<SVGSVGElement | null>, view: RefObject<View>, move: (next: View) => void): void {
  useEffect(() => {
    const element = svg.current;
    if (!element) return;
    const pointers = new Map<number, { x: number; y: number }>();
    let moved = 0;
    const onWheel = (event: WheelEvent): void => {
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        const box = element.getBoundingClientRect();
        move(zoomAt(view.current, Math.exp(-event.deltaY / 300), [event.clientX - box.x, event.clientY - box.y]));
      } else if (Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey) {
        event.preventDefault();
        move({ ...view.current, x: view.current.x - (event.deltaX || event.deltaY) });
      }
    };
    const onDown = (event: PointerEvent): void => {
      if (event.button !== 0) return;
      if (pointers.size === 0) moved = 0;
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    };
    const onMove = (event: PointerEvent): void => {
      const before = pointers.get(event.pointerId);
      if (!before) return;
      const [dx, dy] = [event.clientX - before.x, event.clientY - before.y];
      const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
      moved += Math.abs(dx) + Math.abs(dy);
      if (moved > 4) {
        element.setPointerCapture(event.pointerId);
        element.classList.add("moving");
      }
      if (!other) return move({ ...view.current, x: view.current.x + dx, y: view.current.y + dy });
      const box = element.getBoundingClientRect();
      const ratio = Math.hypot(event.clientX - other.x, event.clientY - other.y) / Math.max(1, Math.hypot(before.x - other.x, before.y - other.y));
      move(zoomAt(view.current, ratio, [other.x - box.x, other.y - box.y]));
    };
    const onUp = (event: PointerEvent): void => {
      pointers.delete(event.pointerId);
      if (pointers.size === 0) element.classList.remove("moving");
    };
    const onClick = (event: MouseEvent): void => {
      if (moved <= 4) return;
      event.preventDefault();
      event.stopPropagation();
    };
    const controller = new AbortController();
    const { signal } = controller;
    element.addEventListener("wheel", onWheel, { passive: false, signal });
    element.addEventListener("pointerdown", onDown, { signal });
    element.addEventListener("pointermove", onMove, { signal });
    element.addEventListener("pointerup", onUp, { signal });
    element.addEventListener("pointercancel", onUp, { signal });
    element.addEventListener("click", onClick, { capture: true, signal });
    element.addEventListener("dragstart", (event) => event.preventDefault(), { signal });
    return () => controller.abort();
  }, [svg, view, move]);
}
