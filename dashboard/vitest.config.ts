// Unit and component tests, beside the code they test.
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { svelteTesting } from '@testing-library/svelte/vite'
import { defineConfig } from 'vitest/config'
import { alias } from './vite.config.ts'

export default defineConfig({
  plugins: [svelte(), svelteTesting()],
  resolve: { alias },
  test: {
    environment: 'happy-dom',
    include: ['{api,console,kit}/**/*.test.ts'],
    restoreMocks: true,
    unstubGlobals: true,
  },
})
