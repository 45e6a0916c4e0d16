import fs from 'node:fs'
import path from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { tableSum } from '../../bench/made/job-run.ts'
import { randomOf } from '../../bench/simulation/random.ts'
import { summarizeLog } from '../../core/log/checking/log-summary.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { StoreLogs } from '../../core/log/stores/store-logs.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { S3Store } from '../../core/store/s3-store.ts'
import { openTable } from '../../core/table/table-query.ts'
import { goldenPath } from '../golden-data.ts'
import { duckdbExtension } from '../support/duckdb-extension.ts'
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { uploadFolder } from '../support/upload-folder.ts'
import { describeCloud } from './cloud.ts'
import { queryBothWays } from './query-ways.ts'

const JOB = ['bars', '--slice', '1h', '--workers', '2'] as const

describeCloud('a run over the real archive on S3', (cloud) => {
  const { endpoint } = cloud.server
  const httpfsFile = duckdbExtension('httpfs')
  const bucket = `run-${process.pid}-${Date.now()}`
  const source = goldenPath('archive-real')
  const store = (prefix: string): S3Store => new S3Store({ bucket, prefix, endpoint })
  const local = path.join(temporaryFolder('s3-run'), 'table')
  const copies = temporaryFolder('s3-run-query')
  let client: S3Client
  let expected: string

  beforeAll(async () => {
    client = new S3Client({ endpoint, forcePathStyle: true, region: 'us-east-1' })
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    await uploadFolder(source, store('archive'), 'v1')
    const { code, err } = await runCli('run', ...JOB, '--archive', source, '--table', local)
    expect(code, err).toBe(0)
    expected = await tableSum(new FileStore(local))
  })
  afterAll(() => client.destroy())

  const runTo = (table: string, at: string) =>
    runCli('run', ...JOB, '--archive', `s3://${bucket}/archive`, '--table', `s3://${bucket}/${table}`, '--endpoint', at, '--json')

  test('gives the table of a local run, and says it in every command', async () => {
    const { code, err } = await runTo('whole', endpoint)
    expect(code, err).toBe(0)
    expect(await tableSum(store('whole'))).toBe(expected)
    const uri = `s3://${bucket}/whole`
    const [here, there] = [await runCli('checksum', local, '--json'), await runCli('checksum', uri, '--json')]
    expect(JSON.parse(there.out).sum).toBe(JSON.parse(here.out).sum)
    for (const argv of [
      ['runs', uri],
      ['vacuum', uri, '--dry-run'],
      ['plan', ...JOB, '--archive', `s3://${bucket}/archive`, '--table', uri],
    ]) {
      const said = await runCli(...argv, '--endpoint', endpoint)
      expect(said.code, said.err).toBe(0)
    }
  })

  test('logs on S3 are replayed, inspected and outlined as on disk', async () => {
    const log = fs.globSync('v1/*/*/*/trades', { cwd: source }).sort()[0]!
    for (const argv of [['inspect'], ['replay']]) {
      const [here, there] = [source, `s3://${bucket}/archive`].map((root) => runCli(...argv, `${root}/${log}`, '--json'))
      const [disk, s3] = [await here!, await there!]
      expect(s3.code, s3.err).toBe(0)
      const pick = (out: string): unknown => {
        const { durationMs: _, messagesPerSecond: __, ...rest } = JSON.parse(out)
        return rest
      }
      expect(pick(s3.out)).toEqual(pick(disk.out))
    }
    const all = await runCli('inspect', `s3://${bucket}/archive`, '--json')
    expect(JSON.parse(all.out)).toHaveLength(JSON.parse((await runCli('inspect', source, '--json')).out).length)
  })

  test('DuckDB answers from S3 as from the disk, by httpfs and through copies', async () => {
    const sql = 'select symbol, count(*)::int as n from t group by all order by all'
    const here = await openTable(new FileStore(local))
    const rows = await here.rows(sql)
    await here.close()
    expect(await queryBothWays(`s3://${bucket}/whole`, sql, httpfsFile, copies)).toEqual(rows)
  })

  test('through faults of the network and of S3: the same table, in one version', async () => {
    const seed = Date.now() % 1e9
    console.log(`faults of seed ${seed}`)
    const proxy: FaultyProxy = await startFaultyProxy(endpoint, 0.1, randomOf(seed))
    try {
      const { code, err } = await runTo('faulty', proxy.endpoint)
      expect(code, err).toBe(0)
      expect(Object.values(proxy.faults).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(20)
    } finally {
      await proxy.close()
    }
    expect(await tableSum(store('faulty'))).toBe(expected)
    const versions = await Array.fromAsync(store('faulty').list('_delta_log/'))
    expect(versions.filter(({ key }) => key.endsWith('.json'))).toHaveLength(1)
  })

  test('a part of a day costs a few requests: its small files, and each segment at most once', async () => {
    const key = `${fs.globSync('v1/*/*/*/book', { cwd: source }).sort()[0]!}/`
    const names = fs.readdirSync(path.join(source, key))
    const segments = names.filter((name) => name.endsWith('.q')).length
    const { minTimestampNs, maxTimestampNs } = await summarizeLog(path.join(source, key))
    const archive = store('archive')
    const reader = await ReplayReader.open(await new StoreLogs(archive).open(key))
    const small = archive.counts.gets
    expect(small).toBeLessThanOrEqual(names.length - segments)
    expect(await reader.seekToTimestamp((minTimestampNs! + maxTimestampNs!) / 2n)).toBe(true)
    await reader.nextBatch()
    await reader.close()
    expect(archive.counts.gets - small).toBeLessThanOrEqual(segments)
    expect(archive.counts.lists).toBe(1)
  })
})
