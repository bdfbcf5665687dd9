import { memo, useState, type CSSProperties, type MouseEvent, type Ref } from "react";
import { useT } from "../i18n/index.tsx";
import { ansiPieces, markPieces } from "./ansi.ts";

const CUT = 4000;
const STEP = 10;

export type LineKind = "" | "err" | "warn";

interface Props {
  n: number;
  /** Undefined while the line is not loaded. */
  text: string | undefined;
  time: string;
  kind: LineKind;
  isChosen: boolean;
  isAt: boolean;
  ranges: readonly (readonly [start: number, length: number])[];
  href: string;
  onNumber?: (n: number, event: MouseEvent) => void;
  style?: CSSProperties;
  index?: number;
  measure?: Ref<HTMLDivElement>;
}

/** One line: number, time, text. The text of a log is never markup. */
export const LineRow = memo(({ n, text, time, kind, isChosen, isAt, ranges, href, onNumber, style, index, measure }: Props) => {
  const { task: t } = useT();
  const [most, setMost] = useState(CUT);
  const shown = text === undefined ? "" : text.length > most ? text.slice(0, most) : text;
  const names = ["ln", kind, isAt && "at", isChosen && "pick"].filter(Boolean).join(" ");
  return (
    <div ref={measure} className={names} style={style} data-n={n} data-index={index}>
      <a className="no" href={href} tabIndex={-1} onClick={(event) => onNumber?.(n, event)}>
        {n}
      </a>
      <time>{time}</time>
      <span>
        <Pieces text={shown} ranges={ranges} />
        {text !== undefined && text.length > most && (
          <button type="button" className="more" onClick={() => setMost(most * STEP)}>
            {t.show_rest(text.length - most)}
          </button>
        )}
      </span>
    </div>
  );
});

const Pieces = memo(({ text, ranges }: { text: string; ranges: Props["ranges"] }) => {
  const pieces = markPieces(ansiPieces(text), ranges);
  return pieces.map((piece, index) => {
    const name = piece.className || undefined;
    if (piece.isMarked) return <mark key={index}>{piece.text}</mark>;
    return name ? (
      <span key={index} className={name}>
        {piece.text}
      </span>
    ) : (
      piece.text
    );
  });
});
