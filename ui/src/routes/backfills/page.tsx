import { useT } from "../../i18n/index.tsx";

export function BackfillsPage() {
  const { common } = useT();
  return (
    <div className="head">
      <h1>{common.backfills}</h1>
    </div>
  );
}
