import { useT } from "../../i18n/index.tsx";

export function ApprovalsPage() {
  const { common } = useT();
  return (
    <div className="head">
      <h1>{common.approvals}</h1>
    </div>
  );
}
