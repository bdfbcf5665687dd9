import { useT } from "../../i18n/index.tsx";

export function AdminPage() {
  const { common } = useT();
  return (
    <div className="head">
      <h1>{common.admin}</h1>
    </div>
  );
}
