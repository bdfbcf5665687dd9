import { useT } from "../../i18n/index.tsx";

export function RunsPage() {
  const { common } = useT();
  return (
    <div className="head">
      <h1>{common.runs}</h1>
    </div>
  );
}
