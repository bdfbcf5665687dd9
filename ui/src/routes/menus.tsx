import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { uiConfig } from "../api/queries.ts";
import { LANGUAGES, type Language, useLanguage, useT } from "../i18n/index.tsx";
import { areSingleKeysOn, setSingleKeys } from "../keys/keys.ts";
import { Icon } from "../kit/icon.tsx";
import { Menu, MenuChoice, MenuItem, MenuLine } from "../kit/menu.tsx";
import { type Theme, applyTheme, theme } from "../kit/theme.ts";
import { useClock } from "../kit/time.tsx";
import { time } from "../time/format.ts";
import { browserZone, offsetText, shortZone, useZone } from "../time/zone.ts";
import { useLogOut, useSession } from "./session.tsx";

export function ZoneMenu() {
  const { common } = useT();
  const zone = useZone();
  const clock = useClock(10);
  const { data } = useQuery(uiConfig());
  const server = data?.default_timezone;
  const mine = browserZone();
  const names = [...new Set(["UTC", mine, ...(server ? [server] : []), zone.name])];
  const options = names.map((name) => [name, `${name} ${offsetText(name, clock.now)}${name === server ? ` · ${common.zone_server}` : name === mine ? ` · ${common.zone_mine}` : ""}`] as const);
  const trigger = (
    <>
      <Icon name="globe" />
      {shortZone(zone.name, clock.now)} <span className="dim">{time(clock, clock.now)}</span>
    </>
  );
  return (
    <Menu label={`${common.zone}: ${zone.name}, ${offsetText(zone.name, clock.now)}`} trigger={trigger} className="btn bare small hide-s">
      <MenuChoice label={common.zone} value={zone.name} options={options} onChange={zone.choose} />
    </Menu>
  );
}

function useTheme(): [Theme, (next: Theme) => void] {
  const [chosen, setChosen] = useState(theme);
  return [
    chosen,
    (next) => {
      applyTheme(next);
      setChosen(next);
    },
  ];
}

export function ThemeMenu() {
  const { common } = useT();
  const [chosen, choose] = useTheme();
  const options = (["system", "light", "dark"] as const).map((name) => [name, common.theme_names[name]] as const);
  return (
    <Menu label={common.theme} trigger={<Icon name="moon" />} className="btn bare icon hide-s">
      <MenuChoice label={common.theme} value={chosen} options={options} onChange={choose} />
    </Menu>
  );
}

export function AccountMenu({ onKeys }: { onKeys(): void }) {
  const { common } = useT();
  const session = useSession();
  const { language, choose } = useLanguage();
  const logOut = useLogOut();
  const [chosen, chooseTheme] = useTheme();
  const [areOn, setOn] = useState(areSingleKeysOn);
  const trigger = (
    <>
      <span className="cut account">{session.name}</span>
      <Icon name="chev" />
    </>
  );
  return (
    <Menu label={common.account} trigger={trigger}>
      <MenuChoice label={common.language} value={language} options={Object.entries(LANGUAGES) as [Language, string][]} onChange={choose} />
      <div className="only-s">
        <MenuChoice label={common.theme} value={chosen} options={(["system", "light", "dark"] as const).map((name) => [name, common.theme_names[name]] as const)} onChange={chooseTheme} />
      </div>
      <MenuLine />
      <MenuItem onClick={onKeys}>
        {common.keys} <kbd className="push">?</kbd>
      </MenuItem>
      <MenuItem
        onClick={() => {
          setSingleKeys(!areOn);
          setOn(!areOn);
        }}
      >
        {common.single_keys} <span className="push dim">{areOn ? common.on : common.off}</span>
      </MenuItem>
      <MenuLine />
      <MenuItem onClick={() => void logOut()}>{common.log_out}</MenuItem>
    </Menu>
  );
}
