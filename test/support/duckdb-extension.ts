import fs from 'node:fs'
import path from 'node:path'
import { lockedPython } from './locked-python.ts'

/** The file of one of DuckDB's extensions, for `LOAD`; null, after a line that says why, where it cannot be had. */
export function duckdbExtension(name: 'delta' | 'httpfs'): string | null {
  const python = lockedPython('extensions of DuckDB', path.join(import.meta.dirname, 'duckdb-extensions.txt'))
  if (python === null) return null
  const environment = path.resolve(python, '../..')
  const packages = `lib/python*/site-packages/duckdb_extension_${name}`
  const [file] = fs.globSync(`${packages}/extensions/*/${name}.duckdb_extension`, { cwd: environment })
  if (file === undefined) throw new Error(`expected DuckDB's ${name} in ${environment}/${packages}, found none; has its package changed?`)
  return path.join(environment, file)
}
