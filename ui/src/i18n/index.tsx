import { type ReactNode, createContext, use, useEffect, useState } from "react";
import { en } from "./en.ts";
import type { Messages } from "./types.ts";

export type { Messages } from "./types.ts";
export type Language = "en" | "ko";
export const LANGUAGES: Record<Language, string> = { en: "English", ko: "한국어" };
const KEY = "mainspring.language";

interface I18n {
  t: Messages;
  language: Language;
  choose(language: Language): void;
}

const Context = createContext<I18n>({ t: en, language: "en", choose: () => {} });

/** The messages of the chosen language: `const t = useT(); t.common.home`. */
export const useT = (): Messages => use(Context).t;
export const useLanguage = (): I18n => use(Context);

function firstLanguage(): Language {
  const chosen = localStorage.getItem(KEY);
  if (chosen === "en" || chosen === "ko") return chosen;
  return navigator.languages.find((each) => /^(ko|en)\b/.test(each))?.startsWith("ko") ? "ko" : "en";
}

/** Messages of another language than English are loaded before the page is drawn, so that no text changes under the eye. */
export function I18nProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState<Language>(firstLanguage);
  const [loaded, setLoaded] = useState<{ language: Language; t: Messages }>({ language: "en", t: en });
  useEffect(() => {
    document.documentElement.lang = language;
    if (language === "en") return setLoaded({ language, t: en });
    let isCurrent = true;
    void import("./ko.ts").then(({ ko }) => isCurrent && setLoaded({ language, t: ko }));
    return () => {
      isCurrent = false;
    };
  }, [language]);
  const choose = (next: Language) => {
    localStorage.setItem(KEY, next);
    setLanguage(next);
  };
  if (loaded.language !== language && loaded.t === en && language !== "en") return null;
  return <Context value={{ t: loaded.t, language: loaded.language, choose }}>{children}</Context>;
}
