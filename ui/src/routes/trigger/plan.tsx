import { useT } from "../../i18n/index.tsx";
import { Button } from "../../kit/button.tsx";
import { copyText } from "../../kit/copy.ts";
import { Panel } from "../../kit/panel.tsx";

/** The same for a terminal. */
export function RequestPanel({ lines }: { lines: string[] }) {
  const { actions: t, common } = useT();
  return (
    <Panel
      title={t.same_request}
      actions={
        <Button bare onClick={() => void copyText(lines.join("\n"))}>
          {common.copy}
        </Button>
      }
    >
      <div className="code wraps" tabIndex={0} role="region" aria-label={t.same_request}>
        {lines.map((line, index) => (
          <div key={index}>
            <span>{line}</span>
          </div>
        ))}
      </div>
    </Panel>
  );
}
