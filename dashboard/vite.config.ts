// One face per build: `--mode console` builds the root `console/`. `tools/build.mjs` runs this and compresses.
import { fileURLToPath } from 'node:url'
import { svelte } from '@sveltejs/vite-plugin-svelte'
import tailwindcss from '@tailwindcss/vite'
import { defineConfig } from 'vite'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))

export const alias = { $kit: here('./kit'), $api: here('./api') }

// Which module goes into which file; a group takes along whatever its modules import and no group before it took.
const base =
  /\/node_modules\/(?!@lucide\/svelte\/dist\/icons\/|inline-style-parser\/|style-to-object\/)|rolldown\/runtime|\/dashboard\/kit\/(?!charts\/|text\/(backups|domains|leaving|logs|operator|people|settings|usage)\.|ui\/(Checkbox|Choice|Segments|VirtualList))|\/dashboard\/api\/(?!control\/(backups|domains|leaving|logs|operator|people|usage)\.)|\/console\/(main|App|routes|shell\/(Door|ErrorBox|Gate|PageHead|ThemeButton|Title))|\/areas\/accounts\/(CodeField|SendVerification)/
// Other icons stay with the one place that draws them.
const icons =
  /\/@lucide\/svelte\/dist\/icons\/(check|circle-alert|circle-check|ellipsis|inbox|plus|triangle-alert)\./
const dialogs = /\/bits-ui\/dist\/bits\/dialog\/|\/kit\/ui\/(Dialog|Drawer)\.svelte/
const tabs = /\/bits-ui\/dist\/bits\/tabs\/|\/kit\/ui\/Tabs\.svelte|\/areas\/projects\/CodeTabs/
const menus =
  /\/node_modules\/(bits-ui|@floating-ui|@internationalized|runed|svelte-toolbelt|tabbable)\/|\/kit\/ui\/Menu\.svelte/

const anyOf = (tests: RegExp[], except: RegExp[] = []) => {
  const matches = (id: string) => (test: RegExp) => test.test(id)
  return (id: string) => tests.some(matches(id)) && !except.some(matches(id))
}

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
        // Few files rather than many small ones: what every page needs, what menus need, and the areas that are
        // visited together. Fewer requests before the first paint, better compression. What only opens after a press,
        // and what few pages share, is apart, so that no page loads what it cannot show.
        codeSplitting: {
          groups: [
            { name: 'base', priority: 4, test: anyOf([base, icons], [menus, dialogs, tabs]) },
            { name: 'menus', priority: 3, test: anyOf([menus], [dialogs, tabs]) },
            { name: 'door', priority: 2, test: /\/areas\/accounts\/(SignIn|SignUp|Reset|Verify)/ },
            {
              name: 'parts',
              priority: 2,
              test: /\/areas\/(projects\/(StateChip|slug|state)\.|teams\/role)/,
            },
            { name: 'lines', priority: 2, test: /\/areas\/projects\/(CopyLine|SlugField|snippets)/ },
            { name: 'dialogs', priority: 2, test: dialogs },
            { name: 'tabs', priority: 2, test: tabs },
            { name: 'choice', priority: 2, test: /\/kit\/ui\/Choice/ },
            { name: 'people', priority: 2, test: /\/(text|control)\/people\./ },
            { name: 'project', priority: 1, test: /\/areas\/projects\// },
          ],
        },
      },
    },
  },
  server: {
    proxy: { '/api': { target: process.env.ROOST_API ?? 'http://localhost:8080', changeOrigin: true } },
  },
})
