import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";


// The names of files are fixed: the build is in the address (`/static/{build}/`), which the server works out.
const names = {
  entryFileNames: "a/[name].js",
  // A page's chunk is named by its folder: all of them are `page.tsx`.
  chunkFileNames: (chunk: { facadeModuleId: string | null }) => `a/${/\/(\w+)\/page\.tsx$/.exec(chunk.facadeModuleId ?? "")?.[1] ?? "[name]"}.js`,
  assetFileNames: "a/[name][extname]",
};

export default defineConfig({
  base: "./",
  plugins: [react()],
  build: {
    target: "es2023",
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    reportCompressedSize: false,
    chunkSizeWarningLimit: 900,
    rollupOptions: { output: names },
  },
  worker: { format: "es", rollupOptions: { output: names } },
  // `./dev ui serve` beside `./dev up`: the page from here, the API from there.
  server: { proxy: { "/api": "http://127.0.0.1:8080", "/auth": "http://127.0.0.1:8080" } },
  test: { include: ["src/**/*.test.ts", "src/**/*.test.tsx"], environment: "node" },
});
