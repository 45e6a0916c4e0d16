import fs from 'node:fs'
import type { IncomingMessage } from 'node:http'
import path from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { commitParts, writePart } from '../../bench/made/made-table.ts'
import { randomOf } from '../../bench/simulation/random.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { S3Store } from '../../core/store/s3-store.ts'
import type { AddFile } from '../../core/table/delta-action.ts'
import type { Query } from '../../core/table/query.ts'
import type { RemotePartsOptions } from '../../core/table/remote-parts.ts'
import { openTable } from '../../core/table/table-query.ts'
import { duckdbExtension } from '../support/duckdb-extension.ts'
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { uploadFolder } from '../support/upload-folder.ts'
import { describeCloud } from './cloud.ts'

const COLUMNS = [
  { name: 'ts_ns', type: 'i64' },
  { name: 'price', type: 'f64' },
  { name: 'size', type: 'f64' },
] as const
/** The second takes more than a name when it is part of an address, and is a pattern for DuckDB; the last is not committed. */
const SYMBOLS = ['btcusdt', 'a+b [1]*é', 'ethusdt', 'solusdt'] as const
const GROUP_ROWS = 65_536
const ROWS = 2 * GROUP_ROWS
const COMMITTED = 3
const SUMS = 'select symbol, count(*) as n, sum(price) as price, sum(ts_ns)::varchar as ts from t group by all order by all'

describeCloud('SQL over a table on S3', (cloud) => {
  const httpfsFile = duckdbExtension('httpfs')
  const bucket = `query-${process.pid}-${Date.now()}`
  const local = path.join(temporaryFolder('query'), 'table')
  const copies = temporaryFolder('query-copies')
  const parts: AddFile[] = []
  /** What was asked for below the table, parts alone. */
  const seen: { readonly isDuckdb: boolean; readonly method: string; readonly key: string; readonly bytes: number }[] = []
  let client: S3Client
  let proxy: FaultyProxy

  beforeAll(async () => {
    const random = randomOf(1)
    for (const [n, symbol] of SYMBOLS.entries()) {
      // Multiples of 1/64: sums do not depend on the order of the rows.
      const number = (): number => Math.floor(random() * 2 ** 30) / 64
      const rows = Array.from({ length: ROWS }, (_, i) => ({ ts_ns: BigInt(n * ROWS + i), price: number(), size: number() }))
      parts.push(await writePart(local, COLUMNS, rows, { symbol, name: `${n}.parquet` }))
    }
    await commitParts(new FileStore(local), { job: 'made', columns: COLUMNS }, parts.slice(0, COMMITTED))
    const { endpoint } = cloud.server
    client = new S3Client({ endpoint, forcePathStyle: true, region: 'us-east-1' })
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    await uploadFolder(local, new S3Store({ bucket, prefix: 'table', endpoint }))
    proxy = await startFaultyProxy(endpoint, 0, random, note)
  })
  afterAll(async () => {
    await proxy.close()
    client.destroy()
  })

  function note({ method, url, headers }: IncomingMessage): void {
    const key = decodeURIComponent(new URL(url!, 'http://s3').pathname).replace(`/${bucket}/table/`, '')
    if (!key.endsWith('.parquet')) return
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? []
    const bytes = method === 'HEAD' ? 0 : end === undefined ? Number.POSITIVE_INFINITY : Number(end) - Number(start) + 1
    seen.push({ isDuckdb: headers['user-agent']?.startsWith('duckdb/') === true, method: method!, key, bytes })
  }

  const open = (remote: RemotePartsOptions): Promise<Query> =>
    openTable(new S3Store({ bucket, prefix: 'table', endpoint: proxy.endpoint }), { remote })

  async function localRows(sql: string): Promise<unknown[]> {
    const query = await openTable(new FileStore(local))
    const rows = await query.rows(sql)
    await query.close()
    return rows
  }

  test('through copies: of the committed parts, each once, and none for the next query', async () => {
    const notes: string[] = []
    for (const asked of [COMMITTED, 0]) {
      seen.length = 0
      const query = await open({ way: 'copies', cacheFolder: copies, onNote: (text) => notes.push(text) })
      expect(await query.rows(SUMS)).toEqual(await localRows(SUMS))
      await query.close()
      expect(seen).toHaveLength(asked)
    }
    expect(notes).toEqual(Array(2).fill(expect.stringMatching(/^copying 3 parts/)))
  })

  describe.skipIf(httpfsFile === null)('by httpfs', () => {
    /** The rows of a statement have to be those of the local table. Gives the bytes that DuckDB asked each part for meanwhile. */
    async function bytesRead(sql: string): Promise<Map<string, number>> {
      const [notes, folder] = [[] as string[], path.join(copies, 'none')]
      // One for each: DuckDB keeps what it has read.
      const query = await open({ httpfsFile: httpfsFile!, cacheFolder: folder, onNote: (text) => notes.push(text) })
      seen.length = 0
      expect(await query.rows(sql)).toEqual(await localRows(sql))
      await query.close()
      expect({ notes, isCopied: fs.existsSync(folder) }).toEqual({ notes: [], isCopied: false })
      expect(seen.filter(({ isDuckdb }) => !isDuckdb)).toEqual([])
      const bytes = new Map<string, number>()
      for (const { key, bytes: more, method } of seen) if (method === 'GET') bytes.set(key, (bytes.get(key) ?? 0) + more)
      return bytes
    }

    test('S3 that goes away is worth another try', async () => {
      const passing = await startFaultyProxy(cloud.server.endpoint, 0, Math.random)
      const query = await openTable(new S3Store({ bucket, prefix: 'table', endpoint: passing.endpoint }), {
        remote: { httpfsFile: httpfsFile! },
      })
      await passing.close()
      await expect(query.rows(SUMS)).rejects.toMatchObject({ code: 'query-store', category: 'transient' })
      await query.close()
    })

    test('DuckDB itself reads the committed parts', async () => {
      const bytes = await bytesRead(SUMS)
      const committed = parts.slice(0, COMMITTED).map((part) => part.path)
      expect([...bytes.keys()].sort()).toEqual(committed.sort())
    })

    test('of a partition its part alone, of a column its bytes alone, of a time its row group alone', async () => {
      const { path: key } = parts[2]!
      const ofPart = async (sql: string): Promise<number> => {
        const bytes = await bytesRead(sql)
        expect([...bytes.keys()]).toEqual([key])
        return bytes.get(key)!
      }
      const column = await ofPart("select sum(price) as price from t where symbol = 'ethusdt'")
      const both = await ofPart("select sum(price) as price, sum(size) as size from t where symbol = 'ethusdt'")
      const group = await ofPart(`select sum(price) as price from t where symbol = 'ethusdt' and ts_ns < ${2 * ROWS + GROUP_ROWS}`)
      expect(column).toBeLessThan(0.6 * both)
      expect(group).toBeLessThan(0.6 * column)
    })
  })
})
