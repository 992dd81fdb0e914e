import svelte from 'eslint-plugin-svelte'
import { defineConfig } from 'eslint/config'
import ts from 'typescript-eslint'
import svelteConfig from './svelte.config.js'

export default defineConfig(
  { ignores: ['dist', 'node_modules', 'api/control/schema.d.ts'] },
  ts.configs.recommended,
  svelte.configs.recommended,
  {
    files: ['**/*.svelte', '**/*.svelte.ts'],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
  },
  {
    rules: {
      // Links are plain paths: the router has no base to prepend.
      'svelte/no-navigation-without-resolve': 'off',
      'svelte/no-at-html-tags': 'error',
    },
  },
  {
    // Only the kit knows the widget library; areas speak in the kit's words.
    files: ['console/**'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: [
            { name: 'bits-ui', message: 'Use kit/ui.' },
            { name: '@lucide/svelte', message: 'Import one icon: @lucide/svelte/icons/bird.' },
          ],
        },
      ],
    },
  },
)
