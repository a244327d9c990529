// How the user interface is built: one page, code-split by route, written to ui/dist, which the
// server hands out at `/`. In development (`vite ui`) the APIs are passed on to a running Trivium.
import react from '@vitejs/plugin-react';
import { defineConfig, loadEnv } from 'vite';

const apiPrefixes = ['/prometheus', '/loki', '/tempo', '/alertmanager', '/otlp', '/pushgateway', '/api'];

const root = decodeURIComponent(new URL('.', import.meta.url).pathname);

export default defineConfig(({ mode }) => {
  const server = loadEnv(mode, '.', 'TRIVIUM_').TRIVIUM_URL ?? 'http://127.0.0.1:3000';
  return {
    // Wherever the build is started from.
    root,
    plugins: [react()],
    build: {
      outDir: 'dist',
      emptyOutDir: true,
      target: 'es2022',
      // Inlined data: URLs would need a wider Content-Security-Policy.
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
    },
    server: { proxy: Object.fromEntries(apiPrefixes.map((prefix) => [prefix, server])) },
  };
});
