import { useNavigate } from "@tanstack/react-router";

/** Changes a part of what stands in the address after `?`, and leaves the rest; undefined removes a part. */
export function useSearchChange(): (next: Record<string, unknown>) => void {
  const navigate = useNavigate();
  return (next) => void navigate({ to: ".", search: (before: Record<string, unknown>) => ({ ...before, ...next }), replace: true, resetScroll: false });
}
