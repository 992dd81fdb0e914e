// One face per build: `--mode console` builds the root `console/`. `tools/build.mjs` runs this and compresses.
import { fileURLToPath } from 'node:url'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import tailwindcss from '@tailwindcss/vite'
import { defineConfig } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export const alias = { $kit: here('./kit'), $api: here('./api') }

// Which module goes into which file; a group takes along whatever its modules import and no group before it took.
const base =
  /\/node_modules\/|rolldown\/runtime|\/dashboard\/kit\/(?!text\/(backups|domains|people)\.)|\/dashboard\/api\/(?!control\/(backups|domains|people)\.)|\/console\/(main|App|routes|shell\/(Door|ErrorBox|Gate|PageHead|ThemeButton|Title))|\/areas\/accounts\/SendVerification/
const widgets =
  /\/node_modules\/(bits-ui|@floating-ui|@internationalized|runed|svelte-toolbelt|tabbable)\/|\/kit\/ui\/(Dialog|Drawer|Menu|Tabs)\.svelte/

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
    rolldownOptions: {
      preserveEntrySignatures: false,
      output: {
        // Few files rather than many small ones: what every page needs, what menus and dialogs need, and the areas
        // that are visited together. Fewer requests before the first paint, better compression.
        codeSplitting: {
          groups: [
            { name: 'widgets', priority: 1, test: widgets },
            {
              name: 'door',
              priority: 2,
              test: /\/areas\/accounts\/(SignIn|SignUp|Reset|Verify|CodeField)|\/(text|control)\/people\./,
            },
            { name: 'project', priority: 1, test: /\/areas\/projects\// },
            // What other areas share with that one, so that they need not take along the rest.
            {
              name: 'parts',
              priority: 2,
              test: /\/areas\/(projects\/(CopyLine|SlugField|StateChip|slug|snippets|state)|teams\/role)/,
            },
            { name: 'base', priority: 3, test: (id) => !widgets.test(id) && base.test(id) },
          ],
        },
      },
    },
  },
  server: {
    proxy: { '/api': { target: process.env.ROOST_API ?? 'http://localhost:8080', changeOrigin: true } },
  },
})
