import { loadHttpfs } from '../core/table/remote-parts.ts'
import { type Check, ok, warn } from './checkup.ts'

/** What this machine has: Node, and DuckDB's way to S3. */
export async function checkHere(env: NodeJS.ProcessEnv): Promise<Check[]> {
  const { DuckDBInstance } = await import('@duckdb/node-api')
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  try {
    const problem = await loadHttpfs((sql) => connection.run(sql), env.CHRONICLE_HTTPFS)
    return [
      ok('node', `${process.versions.node}, ${process.platform} ${process.arch}`),
      problem === null
        ? ok('extension', "DuckDB's httpfs is loaded: queries read S3 themselves")
        : warn('extension', `${problem}; queries copy parts from S3 first (docs/operating.md, "Asking a table on S3")`),
    ]
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
