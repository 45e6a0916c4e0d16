import { zstdDecompressSync } from 'node:zlib'
import { DuckDBInstance, type DuckDBValue } from '@duckdb/node-api'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet'

/** Runs SQL in a DuckDB of its own: an independent reader of what the library wrote. */
export async function duckdb(sql: string): Promise<Record<string, DuckDBValue>[]> {
  const database = await DuckDBInstance.create(':memory:', { threads: '1' })
  const connection = await database.connect()
  try {
    await connection.run("SET TimeZone = 'UTC'")
    const reader = await connection.runAndReadAll(sql)
    return reader.getRowObjects()
  } finally {
    connection.closeSync()
    database.closeSync()
  }
}

/** All rows as hyparquet reads them. */
export async function readWithHyparquet(path: string): Promise<Record<string, unknown>[]> {
  const file = await asyncBufferFromFile(path)
  return parquetReadObjects({ file, compressors: { ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input)) } })
}
