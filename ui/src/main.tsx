import "./routes/sign_in_code.ts";
import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { queries } from "./api/queries.ts";
import { prefetchHome } from "./routes/home/prefetch.ts";
import { I18nProvider } from "./i18n/index.tsx";
import { listenToKeys } from "./keys/keys.ts";
import { Toasts } from "./kit/toast.tsx";
import { applyTheme } from "./kit/theme.ts";
import { router } from "./routes/router.tsx";
import { ZoneProvider } from "./time/provider.tsx";
import "./kit/mainspring.css";
import "./kit/kit.css";

applyTheme();
listenToKeys();
// What Home shows first is asked for at once, not after the answer that says who the reader is.
if (location.pathname === "/" && location.search === "") prefetchHome();
const place = document.getElementById("root");
if (!place) throw new Error("the page has no root");
createRoot(place).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <CSPProvider disableStyleElements>
        <I18nProvider>
          <ZoneProvider>
            <Toasts>
              <RouterProvider router={router} />
            </Toasts>
          </ZoneProvider>
        </I18nProvider>
      </CSPProvider>
    </QueryClientProvider>
  </StrictMode>,
);
