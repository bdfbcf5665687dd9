import { useQuery } from "@tanstack/react-query";
import { Link, Outlet, useLocation, useNavigate } from "@tanstack/react-router";
import { type ReactNode, useEffect, useState } from "react";
import { ApiError, onSessionEnd } from "../api/client.ts";
import { queries, summary, uiConfig } from "../api/queries.ts";
import { useT } from "../i18n/index.tsx";
import { useKeys } from "../keys/keys.ts";
import { Dialog } from "../kit/dialog.tsx";
import { Icon, type IconName, Mark } from "../kit/icon.tsx";
import { Failure, Loading } from "../kit/panel.tsx";
import { LiveState, OfflineBar } from "../live/indicator.tsx";
import { startLive } from "../live/live.ts";
import { togglePause } from "../live/state.ts";
import { useZone } from "../time/zone.ts";
import { ActionsProvider } from "./actions/provider.tsx";
import { Crumbs } from "./crumbs.tsx";
import { JumpProvider, useJump } from "./jump.tsx";
import { KeyList } from "./key_list.tsx";
import { LoginForm } from "./login.tsx";
import { AccountMenu, ThemeMenu, ZoneMenu } from "./menus.tsx";
import { SessionProvider, useAskedSession } from "./session.tsx";

/** What stands around every page: rail, bar, live state, search, and the session that all of it needs. */
export function Shell() {
  const { session, error } = useAskedSession();
  const location = useLocation();
  const navigate = useNavigate();
  const isUnknown = error instanceof ApiError && error.status === 401;
  useEffect(() => {
    // On its way to the login this part is still drawn for a moment, and must not ask for the login's own address.
    if (!session && isUnknown && location.pathname !== "/login") void navigate({ to: "/login", search: { next: location.href }, replace: true });
  }, [session, isUnknown, navigate, location.href, location.pathname]);
  if (!session) return isUnknown || !error ? <Loading rows={0} /> : <Failure error={error} />;
  return (
    <SessionProvider value={session}>
      <ActionsProvider>
        <JumpProvider>
          <Frame />
        </JumpProvider>
      </ActionsProvider>
    </SessionProvider>
  );
}

function Frame() {
  const { common } = useT();
  const [areKeysShown, showKeys] = useState(false);
  const jump = useJump();
  useShellKeys(() => showKeys(true));
  useEffect(startLive, []);
  return (
    <>
      <a className="vh" href="#main">
        {common.skip}
      </a>
      <div className="shell">
        <header className="top">
          <Link className="mark" to="/" aria-label={`Mainspring, ${common.home}`}>
            <Mark />
          </Link>
          <Crumbs />
          <button type="button" className="find" onClick={jump.open}>
            <Icon name="search" />
            <span className="grow">{common.search_or_jump}</span>
            <kbd>Ctrl</kbd>
            <kbd>K</kbd>
          </button>
          <button type="button" className="btn icon bare only-s" aria-label={common.search_or_jump} onClick={jump.open}>
            <Icon name="search" />
          </button>
          <LiveState />
          <ZoneMenu />
          <ThemeMenu />
          <AccountMenu onKeys={() => showKeys(true)} />
        </header>
        <Rail />
        <main id="main" tabIndex={-1}>
          <OfflineBar />
          <Banner />
          <Outlet />
        </main>
      </div>
      <KeyList open={areKeysShown} onClose={() => showKeys(false)} />
      <SessionOver />
    </>
  );
}

function useShellKeys(showKeys: () => void): void {
  const navigate = useNavigate();
  const zone = useZone();
  const jump = useJump();
  useKeys({
    "?": showKeys,
    "Ctrl+KeyK": jump.open,
    "KeyG KeyH": () => void navigate({ to: "/" }),
    "KeyG KeyR": () => void navigate({ to: "/runs" }),
    "KeyG KeyU": () => void navigate({ to: "/upcoming" }),
    "KeyG KeyB": () => void navigate({ to: "/backfills" }),
    "KeyG KeyA": () => void navigate({ to: "/approvals" }),
    KeyZ: zone.toggle,
    Space: togglePause,
  });
}

function Rail() {
  const { common } = useT();
  const { data } = useQuery(summary());
  const approvals = data?.counts.approvals ?? 0;
  const { pathname } = useLocation();
  // A run stands below the runs, the other pages of a DAG below Home.
  const above = /^\/dags\/[^/]+\/runs\/./.test(pathname) ? "/runs" : pathname.startsWith("/dags/") ? "/" : null;
  const place = (to: string, icon: IconName, text: string, more: { className?: string; badge?: ReactNode; exact?: boolean } = {}) => (
    <Link to={to} className={more.className ?? ""} {...(to === above ? { "aria-current": "true" as const } : {})} activeProps={{ "aria-current": "page" }} activeOptions={{ exact: more.exact ?? false, includeSearch: false }}>
      <Icon name={icon} />
      {text}
      {more.badge}
    </Link>
  );
  return (
    <nav className="rail" aria-label={common.main_navigation}>
      {place("/", "home", common.home, { exact: true })}
      {place("/runs", "runs", common.runs)}
      {place("/upcoming", "clock", common.upcoming)}
      {place("/backfills", "back", common.backfills)}
      {place("/approvals", "hand", common.approvals, { badge: approvals > 0 && <span className="pip">{approvals}</span> })}
      {place("/admin", "gear", common.admin, { className: "end" })}
    </nav>
  );
}

function Banner() {
  const { data } = useQuery(uiConfig());
  return data?.banner ? <p className="note retry">{data.banner}</p> : null;
}

/** The session ended while the page was open: log in over it, and lose nothing that was typed. */
function SessionOver() {
  const { common } = useT();
  const [isOver, setOver] = useState(false);
  useEffect(() => onSessionEnd(() => setOver(true)), []);
  const goOn = () => {
    setOver(false);
    startLive();
    void queries.invalidateQueries();
  };
  return (
    <Dialog open={isOver} onClose={() => setOver(false)} title={common.session_over} isBare>
      <p>{common.session_over_text}</p>
      <LoginForm onDone={goOn} isBare />
    </Dialog>
  );
}
