// Builds the console and puts a .br and a .gz twin beside every file worth compressing, so that the server never
// compresses while answering.
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'
import { build } from 'vite'

const root = fileURLToPath(new URL('..', import.meta.url))
const output = `${root}dist/console`

await build({ configFile: `${root}vite.config.ts`, mode: 'console', logLevel: 'warn' })

const files = (await readdir(output, { recursive: true })).filter((name) =>
  /\.(html|js|css|svg|txt|json)$/.test(name),
)
for (const name of files) {
  const plain = await readFile(`${output}/${name}`)
  const twins = {
    br: brotliCompressSync(plain, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }),
    gz: gzipSync(plain, { level: 9 }),
  }
  for (const [suffix, bytes] of Object.entries(twins)) {
    if (bytes.length < plain.length) await writeFile(`${output}/${name}.${suffix}`, bytes)
  }
}
console.log(`dist/console: ${files.length} compressible files, each with its twins`)
