import { useParams } from "@tanstack/react-router";

export function TaskPage() {
  const parameters = useParams({ strict: false });
  return (
    <div className="head">
      <h1 className="anywhere">{parameters.taskId}</h1>
    </div>
  );
}
