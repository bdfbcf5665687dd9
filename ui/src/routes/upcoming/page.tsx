import { useT } from "../../i18n/index.tsx";

export function UpcomingPage() {
  const { common } = useT();
  return (
    <div className="head">
      <h1>{common.upcoming}</h1>
    </div>
  );
}
