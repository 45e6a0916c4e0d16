import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { openStore } from '../../core/store/open-store.ts'
import { BatchControl } from '../../localstack/faults.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { hexOf } from '../support/tree-digest.ts'
import { describeCloud } from './cloud.ts'
import { CloudRuns } from './cloud-runs.ts'

const root = temporaryFolder('cloud-import-run')
const SYMBOLS = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT']
const DAYS = 3
const HEADER = 'exchange,symbol,timestamp,local_timestamp,id,side,price,amount'

/** Trades of a day as Tardis has them; the last ones arrive behind midnight, where the next day's file begins. */
function tradesFile(folder: string, symbol: string, day: number, count = 400): string {
  const start = Date.parse('2024-03-01T00:00:00Z') * 1000 + day * 86_400_000_000
  const rows = Array.from({ length: count }, (_, i) => {
    const at = start + 1_000_000 + Math.floor((86_399_500_000 / (count - 1)) * i)
    return `binance-futures,${symbol},${at - 900_000},${at},${day * count + i},${i % 3 === 0 ? 'sell' : 'buy'},${60_000 + ((i * 7919) % 1000) / 10},${(i % 97) / 1000}`
  })
  const file = path.join(folder, `binance-futures_trades_2024-03-0${day + 1}_${symbol}.csv.gz`)
  fs.writeFileSync(file, zlib.gzipSync(`${HEADER}\n${rows.join('\n')}\n`))
  return file
}

describeCloud('an import that is submitted', (cloud) => {
  const runs = new CloudRuns(cloud, 'imports')
  const control = new BatchControl(cloud.server.endpoint)
  const { endpoint } = cloud.server
  const source = 's3://vendor-files/tardis'
  const archive = `s3://${cloud.outputs.ArchiveBucket}/imported`
  const downloads = path.join(root, 'downloads')
  const submitted = () => runs.command('submit', 'import', 'tardis', source, '--stack', cloud.stack, '--archive', archive, '--tasks', '6')

  const upload = async (file: string): Promise<void> => {
    await openStore(source).put(path.basename(file), fs.readFileSync(file))
  }

  /** The archive, and the import of the same objects on this machine: all bytes of all logs. */
  async function bothSides(name: string): Promise<[there: string, here: string]> {
    const [there, here] = [path.join(root, `${name}-there`), path.join(root, `${name}-here`)]
    const store = openStore(archive)
    for await (const { key } of store.list('v1/')) {
      fs.mkdirSync(path.dirname(path.join(there, key)), { recursive: true })
      fs.writeFileSync(path.join(there, key), (await store.get(key))!.bytes)
    }
    const { code, err } = await runCli('import', 'tardis', source, '--archive', here, '--endpoint', endpoint, '--workers', '2', '--quiet')
    expect(code, err).toBe(0)
    return [hexOf(path.join(there, 'v1')), hexOf(path.join(here, 'v1'))]
  }

  beforeAll(async () => {
    await new S3Client({ forcePathStyle: true }).send(new CreateBucketCommand({ Bucket: 'vendor-files' })).catch((error: Error) => {
      if (!error.name.startsWith('BucketAlready')) throw error
    })
    fs.mkdirSync(downloads)
    for (const symbol of SYMBOLS) for (let day = 0; day < DAYS; day++) await upload(tradesFile(downloads, symbol, day))
  })
  afterEach(() => control.clear())

  test('from one bucket into another, one task killed and another hung, then resumed: the bytes of an import on one machine', async () => {
    await control.add({ jobs: '*-task-000001', kill: 'SIGKILL', afterOutput: 'task-begins' })
    await control.add({ jobs: '*-task-000002', kill: 'SIGSTOP', afterOutput: 'task-begins' })
    await control.add({ jobs: '*-task-000002', timeout: 2 })
    const first = await submitted()
    expect(first.code, first.said).toBe(4)
    const { run, uri, outcome } = first.document
    expect(first.document.state).toBe('partial')
    expect(outcome!.partitions.planned).toBe(SYMBOLS.length * DAYS)
    expect(outcome!.partitions.missing).toBeGreaterThanOrEqual(2)
    expect(outcome!.partitions.done).toBeGreaterThan(0)
    await control.clear()

    const { code, document, said } = await runs.command('resume', uri)
    expect(code, said).toBe(0)
    expect(document).toMatchObject({ state: 'committed', outcome: { version: -1, partitions: { missing: 0 } } })
    expect((await runs.jobs(`${run}-r1-task-`)).map((job) => job.jobName!.slice(-6)).sort()).toEqual(['000001', '000002'])
    const definitions = (await runs.jobs(run)).map((job) => job.jobDefinition!.split('/')[1]!.split(':')[0])
    expect(new Set(definitions)).toEqual(new Set([`${cloud.stack}-import`, `${cloud.stack}-archive-commit`]))
    const [there, here] = await bothSides('whole')
    expect(there).toBe(here)
    // Files on disk have other digests than objects, and so another meta.json.
    const local = path.join(root, 'local')
    expect((await runCli('import', downloads, '--archive', local, '--quiet')).code).toBe(0)
    const logs = (folder: string): string => hexOf(path.join(root, folder, 'v1'), /\.(?:q|idx)$/)
    expect(logs('local')).toBe(logs('whole-there'))
    const left: string[] = []
    for await (const { key } of openStore(archive).list('_imports/')) if (!/\/[0-9a-f]{24}\.json$/.test(key)) left.push(key)
    expect(left).toEqual([])
  })

  test('takes what is new the next time, with tasks that run twice and a commit that is tried again', async () => {
    await upload(tradesFile(downloads, 'BTCUSDT', DAYS))
    await upload(tradesFile(downloads, 'XRPUSDT', 0))
    await control.add({ jobs: '*-task-*', times: 2, duplicate: true })
    await control.add({ jobs: '*-commit', attempt: 1, exitCode: 75 })
    const { code, document, said } = await submitted()
    expect(code, said).toBe(0)
    expect(document).toMatchObject({ state: expect.stringMatching(/^(?:un)?c/), estimate: { partitions: { run: 2, cached: 9, stale: 0 } } })
    const [there, here] = await bothSides('more')
    expect(there).toBe(here)
    const again = await submitted()
    expect([again.code, again.document.state], again.said).toEqual([0, 'unchanged'])
    const { out } = await runCli('runs', archive, '--endpoint', endpoint, '--json')
    expect((JSON.parse(out) as { operation: string }[]).map(({ operation }) => operation)).toEqual(['IMPORT', 'IMPORT'])
  })

  test('one that was cancelled leaves no trace, and lets the next one in', async () => {
    await upload(tradesFile(downloads, 'ADAUSDT', 0))
    await control.add({ jobs: '*-task-000000', exitCode: 170, instead: true })
    await control.add({ jobs: '*-commit', exitCode: 170, instead: true })
    const failed = await submitted()
    expect(failed.document.state, failed.said).toBe('failed')
    await control.clear()
    const refused = await submitted()
    expect([refused.code, refused.said]).toEqual([2, expect.stringContaining('import-active')])
    expect((await runs.command('cancel', failed.document.uri)).code).toBe(0)
    const { code, said } = await submitted()
    expect(code, said).toBe(0)
    const [there, here] = await bothSides('cancelled')
    expect(there).toBe(here)
  })

  test('refuses files that the stack may not read, before anything is written', async () => {
    const place = `s3://${cloud.outputs.TableBucket}/vendor`
    await openStore(place).put('binance-futures_trades_2024-03-01_BTCUSDT.csv.gz', fs.readFileSync(tradesFile(downloads, 'BTCUSDT', 0)))
    const { code, said } = await runs.command('submit', 'import', place, '--stack', cloud.stack, '--archive', archive)
    expect([code, said]).toEqual([2, expect.stringContaining('import-bucket')])
  })
})
