// Reads a Parquet file with a reader written in JavaScript or compiled to WebAssembly, as judges of
// what leat writes. See test_parquet_write.py.
//
//   node read_parquet.mjs MODULES hyparquet FILE          rows as JSON, a line each
//   node read_parquet.mjs MODULES parquet-wasm FILE OUT   as an Arrow stream into OUT
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'

const [modules, reader, file, out] = process.argv.slice(2)
const require = createRequire(pathToFileURL(`${modules}/x.js`))
const load = name => import(pathToFileURL(require.resolve(name)))

// What JSON has no word for, told apart.
function plain(value) {
  if (typeof value === 'bigint') return { int: value.toString() }
  if (typeof value === 'number' && !Number.isFinite(value)) return { float: String(value) }
  if (value instanceof Date) return { date: value.toISOString() }
  if (value instanceof Uint8Array) return { hex: Buffer.from(value).toString('hex') }
  if (Array.isArray(value)) return value.map(plain)
  if (value && typeof value === 'object') {
    return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]))
  }
  return value ?? null
}

if (reader === 'hyparquet') {
  const { asyncBufferFromFile, parquetReadObjects } = await import(
    pathToFileURL(`${modules}/hyparquet/src/node.js`))
  const { compressors } = await import(
    pathToFileURL(`${modules}/hyparquet-compressors/src/index.js`))
  const rows = await parquetReadObjects({ file: await asyncBufferFromFile(file), compressors })
  for (const row of rows) console.log(JSON.stringify(plain(row)))
} else {
  const { readParquet } = await load('parquet-wasm')
  writeFileSync(out, readParquet(readFileSync(file)).intoIPCStream())
}
