import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useMemo, useState } from "react";
import { uiConfig } from "../api/queries.ts";
import { ZONE_KEY, ZoneContext, browserZone, isZone } from "./zone.ts";

/** The chosen zone, else the server's, else the browser's. `?tz=` of a shared link chooses for this tab alone. */
export function ZoneProvider({ children }: { children: ReactNode }) {
  // The answer that says who reads brings the settings.
  const { data } = useQuery({ ...uiConfig(), enabled: false });
  const [chosen, setChosen] = useState(() => new URLSearchParams(location.search).get("tz") ?? localStorage.getItem(ZONE_KEY) ?? "");
  const [isUtc, setUtc] = useState(false);
  const fallback = data?.default_timezone ?? browserZone();
  const mine = chosen && isZone(chosen) ? chosen : isZone(fallback) ? fallback : "UTC";
  const zone = useMemo(
    () => ({
      name: isUtc ? "UTC" : mine,
      choose(name: string) {
        localStorage.setItem(ZONE_KEY, name);
        setUtc(false);
        setChosen(name);
      },
      toggle: () => setUtc((before) => !before),
    }),
    [isUtc, mine],
  );
  return <ZoneContext value={zone}>{children}</ZoneContext>;
}
