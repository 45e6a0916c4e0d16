import { beforeAll, expect, test } from 'vitest'
import { describeGolden, goldenPath } from '../golden-data.ts'
import { duckdbExtension } from '../support/duckdb-extension.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { describeCloud } from './cloud.ts'
import { CloudRuns } from './cloud-runs.ts'
import { queryBothWays } from './query-ways.ts'

describeGolden('the real archive', () => {
  describeCloud('on the deployed stack', (cloud) => {
    const runs = new CloudRuns(cloud, 'real')
    const [local, archive] = [goldenPath('archive-real'), `s3://${cloud.outputs.ArchiveBucket}/real`]
    const BARS = ['--slice', '10m', '--param', 'every=1m']
    const table = runs.newTable()
    const httpfsFile = duckdbExtension('httpfs')
    const copies = temporaryFolder('real-query')

    beforeAll(() => runs.upload(local, archive))

    test('bars, fanned out to at least 20 tasks, are those of a local run', async () => {
      const { code, document, said } = await runs.submit('bars', table, '--archive', archive, ...BARS, '--tasks', '24')
      expect(code, said).toBe(0)
      expect(document).toMatchObject({ state: 'committed', outcome: { version: 0, partitions: { missing: 0 } } })
      expect(document.tasks!.total).toBeGreaterThanOrEqual(20)
      const jobs = await runs.jobs(`${document.run}-task-`)
      expect(new Set(jobs.map((job) => job.jobName)).size).toBe(document.tasks!.total)
      expect(jobs.every((job) => job.status === 'SUCCEEDED')).toBe(true)
      expect(await runs.sum(table)).toBe(await runs.localSum('bars', '--archive', local, ...BARS))
    })

    test('DuckDB answers from S3', async () => {
      const sql = 'select venue, symbol, sum("count")::int as trades from t group by all order by all'
      const rows = await queryBothWays(table, sql, httpfsFile, copies)
      expect(rows).toContainEqual({ venue: 'lobster', symbol: 'amzn', trades: 11_419 })
    })

    test('nothing of it is run again', async () => {
      const { code, document } = await runs.submit('bars', table, '--archive', archive, ...BARS)
      expect(code).toBe(0)
      expect(document).toMatchObject({ state: 'unchanged', version: 0 })
    })

    test('books, from their snapshots on, are those of a local run', async () => {
      const features = runs.newTable()
      const options = ['--param', 'every=10s', '--slice', '1h', '--venues', 'kraken,okx']
      const { code, said } = await runs.submit('book-features', features, '--archive', archive, ...options)
      expect(code, said).toBe(0)
      expect(await runs.sum(features)).toBe(await runs.localSum('book-features', '--archive', local, ...options))
    })
  })
})
