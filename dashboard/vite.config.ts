// One face per build: `--mode console` builds the root `console/`. `tools/build.mjs` runs this and compresses.
import { fileURLToPath } from 'node:url'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import tailwindcss from '@tailwindcss/vite'
import { defineConfig } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export const alias = { $kit: here('./kit'), $api: here('./api') }

export default defineConfig({
  root: here('./console'),
  base: '/',
  plugins: [tailwindcss(), svelte({ configFile: here('./svelte.config.js') })],
  resolve: { alias },
  build: {
    outDir: here('./dist/console'),
    emptyOutDir: true,
    target: 'es2022',
    // A data: URL would be one more source to allow; small files are cheap as they are.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: {
    proxy: { '/api': { target: process.env.ROOST_API ?? 'http://localhost:8080', changeOrigin: true } },
  },
})
