import fs from 'node:fs'
import path from 'node:path'
import { expect, vi } from 'vitest'
import { runCli } from '../support/run-cli.ts'

/**
 * Asks a table on S3 by `query --json`: by httpfs, if it is at hand, when nothing must be copied, and through copies.
 * @param httpfsFile null: not by httpfs @param folder for copies, empty
 * @returns the rows, which are the same either way
 */
export async function queryBothWays(table: string, sql: string, httpfsFile: string | null, folder: string): Promise<unknown[]> {
  const copies = await queryBy(path.join(folder, 'no-such-extension'), path.join(folder, 'copies'))
  expect(copies.said).toMatch(/^copying \d+ parts .*; DuckDB's extension httpfs cannot be loaded: .*no-such-extension/)
  expect(copies.files).not.toEqual([])
  if (httpfsFile !== null) {
    const direct = await queryBy(httpfsFile, path.join(folder, 'none'))
    expect(direct).toEqual({ rows: copies.rows, said: '', files: [] })
  }
  return copies.rows

  async function queryBy(file: string, cache: string): Promise<{ rows: unknown[]; said: string; files: string[] }> {
    vi.stubEnv('CHRONICLE_HTTPFS', file)
    vi.stubEnv('XDG_CACHE_HOME', cache)
    try {
      const { code, out, err } = await runCli('query', table, sql, '--json')
      expect(code, err).toBe(0)
      return { rows: JSON.parse(out), said: err, files: fs.globSync('**/*.parquet', { cwd: cache }) }
    } finally {
      vi.unstubAllEnvs()
    }
  }
}
