import { useParams } from "@tanstack/react-router";

export function RunPage() {
  const parameters = useParams({ strict: false });
  return (
    <div className="head">
      <h1 className="anywhere">{parameters.runId}</h1>
    </div>
  );
}
