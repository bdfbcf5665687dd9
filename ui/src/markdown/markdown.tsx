import { type Inline, blocks } from "./parse.ts";
import "./markdown.css";

/** A text of others as elements: never as HTML. */
export const Markdown = ({ text }: { text: string }) => (
  <div className="markdown anywhere">
    {blocks(text).map((block, index) => {
      if (block.kind === "heading") return <h3 key={index} className={`b level-${Math.min(3, block.level)}`}>{inline(block.content)}</h3>;
      if (block.kind === "paragraph") return <p key={index}>{inline(block.content)}</p>;
      if (block.kind === "code") {
        return (
          <pre key={index} tabIndex={0}>
            {block.text}
          </pre>
        );
      }
      const items = block.items.map((item, at) => <li key={at}>{inline(item)}</li>);
      return block.isOrdered ? <ol key={index}>{items}</ol> : <ul key={index}>{items}</ul>;
    })}
  </div>
);

function inline(content: readonly Inline[]) {
  return content.map((part, index) => {
    if (part.kind === "link") {
      return (
        <a key={index} className="l" href={part.href} target="_blank" rel="noopener noreferrer">
          {part.text}
        </a>
      );
    }
    if (part.kind === "code") return <code key={index}>{part.text}</code>;
    if (part.kind === "strong") return <strong key={index}>{part.text}</strong>;
    if (part.kind === "em") return <em key={index}>{part.text}</em>;
    return part.text;
  });
}
