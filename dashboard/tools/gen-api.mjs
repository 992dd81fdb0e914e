// Writes api/control/schema.d.ts from api/control/openapi.json, which is what `roost openapi` prints.
//
// Operation ids are left out: the client goes by paths, and ids that two operations share would merge their types.

import { readFile, writeFile } from 'node:fs/promises'
import openapiTS, { astToString } from 'openapi-typescript'

const document = JSON.parse(await readFile(new URL('../api/control/openapi.json', import.meta.url), 'utf8'))

for (const methods of Object.values(document.paths)) {
  for (const operation of Object.values(methods)) delete operation.operationId
}

const head = '// Made by tools/gen-api.mjs from openapi.json; do not edit.\n\n'
await writeFile(
  new URL('../api/control/schema.d.ts', import.meta.url),
  head + astToString(await openapiTS(document, { emptyObjectsUnknown: true })),
)
