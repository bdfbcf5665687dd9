import { useT } from "../../i18n/index.tsx";

export function DagPage() {
  const { common } = useT();
  return (
    <div className="head">
      <h1>{common.home}</h1>
    </div>
  );
}
