import { queries } from "../api/queries.ts";
import { useLanguage, useT } from "../i18n/index.tsx";
import { Icon } from "../kit/icon.tsx";
import { useClock, useNow } from "../kit/time.tsx";
import { roughly, timeWithSeconds } from "../time/format.ts";
import { togglePause, useLive } from "./state.ts";

/** How old the page is, in a word; a click pauses and resumes. */
export function LiveState() {
  const { common } = useT();
  const { language } = useLanguage();
  const live = useLive();
  const now = useNow();
  const age = roughly(language, live.staleSince ? (now - live.staleSince) / 1000 : 0);
  const words = {
    live: common.live.live,
    connecting: common.live.connecting,
    reconnecting: common.live.reconnecting(age),
    polling: common.live.polling(roughly(language, 5)),
    paused: common.live.paused(live.waiting),
    offline: common.live.offline,
  };
  const look = { live: "", connecting: " wait", reconnecting: " wait", polling: " off", paused: " off", offline: " off" }[live.mode];
  const act = live.mode === "paused" ? common.live.resume : common.live.pause;
  return (
    <button type="button" className={`live${look}`} onClick={togglePause} title={act} aria-label={`${words[live.mode]}. ${act}`} data-mode={live.mode}>
      <span>{words[live.mode]}</span>
    </button>
  );
}

/** A bar while the server does not answer: since when, how old, and a way to try at once. */
export function OfflineBar() {
  const { common } = useT();
  const live = useLive();
  const clock = useClock(1);
  if (live.mode !== "offline" || live.staleSince === null) return null;
  return (
    <p className="bar-note" role="status">
      <Icon name="clock" />
      <span className="grow">{common.live.offline_since(timeWithSeconds(clock, live.staleSince), roughly(clock.language, (clock.now - live.staleSince) / 1000))}</span>
      <button type="button" onClick={() => void queries.refetchQueries({ type: "active" })}>
        {common.try_now}
      </button>
    </p>
  );
}
