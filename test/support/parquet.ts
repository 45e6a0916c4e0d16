import { zstdDecompressSync } from 'node:zlib'
import { DuckDBInstance, type DuckDBValue } from '@duckdb/node-api'
import { type AsyncBuffer, asyncBufferFromFile, type ParquetParsers, parquetReadObjects } from 'hyparquet'

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

/** All rows as hyparquet reads them; times as microseconds, of which a Date would lose some. */
export async function readWithHyparquet(path: string): Promise<Record<string, unknown>[]> {
  return rowsOfParquet(await asyncBufferFromFile(path))
}

/** The same of a file in memory. */
export function rowsOfParquet(file: ArrayBuffer | AsyncBuffer): Promise<Record<string, unknown>[]> {
  const compressors = { ZSTD: (input: Uint8Array) => new Uint8Array(zstdDecompressSync(input)) }
  const parsers = { timestampFromMicroseconds: (micros: bigint) => micros } as unknown as ParquetParsers
  return parquetReadObjects({ file, compressors, parsers })
}
