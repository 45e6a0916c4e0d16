import fs from 'node:fs'
import path from 'node:path'
import { afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { tableSum } from '../../bench/made/job-run.ts'
import { openStore } from '../../core/store/open-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { readReport } from '../../report/report-model.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { uploadFolder } from '../support/upload-folder.ts'
import { describeCloud } from './cloud.ts'

describeCloud('a run of this machine with its archive and table on S3', (cloud) => {
  const { endpoint } = cloud.server
  const folder = temporaryFolder('s3-local-run')
  const local = path.join(folder, 'archive')
  const archive = `s3://${cloud.outputs.ArchiveBucket}/local-run`
  const [job, mended] = ['flaky.ts', 'mended'].map((name) => path.join(folder, name)) as [string, string]

  beforeAll(async () => {
    await generateArchive(local, { symbols: 2, messages: 6000, seed: 7 })
    await uploadFolder(local, openStore(archive))
    fs.writeFileSync(
      job,
      `import { existsSync } from 'node:fs'
import { defineJob } from 'chronicle-replay'
export default defineJob({
  name: 'flaky', streams: ['trades'], columns: { price: 'f64', size: 'f64' },
  create: (_params, { symbol }) => ({ trade(t, out) {
    if (symbol === 'ethusdt' && !existsSync(${JSON.stringify(mended)})) throw new Error('the disk is away')
    out.price = t.price
    out.size = t.size
    out.emit()
  } }),
})\n`,
    )
  })
  beforeEach(() => {
    fs.rmSync(mended, { force: true })
    // Nothing but the option says where S3 is, and nothing says who asks.
    const names = ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3', 'AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']
    for (const name of names) vi.stubEnv(name, undefined)
  })
  afterEach(() => vi.unstubAllEnvs())

  /** Runs the job, which is refused, and gives its id. */
  async function refusedRun(source: string, table: string): Promise<string> {
    const { code, out, err } = await runCli('run', job, '--archive', source, '--table', table, '--endpoint', endpoint, '--json')
    expect(code, err).toBe(4)
    expect(err).toContain(`chronicle-replay resume ${table}/_chronicle/runs/`)
    return (JSON.parse(out) as { run: string }).run
  }

  test('is resumed where it was started, and its report has the charts of a local run', async () => {
    const [here, there] = [path.join(folder, 'table'), `s3://${cloud.outputs.TableBucket}/local-run`]
    const [ownRun, run] = [await refusedRun(local, here), await refusedRun(archive, there)]
    const [own, reported] = [
      await readReport(openStore(here), { run: ownRun }),
      await readReport(openStore(there, { endpoint }), { run, remote: { way: 'copies' } }),
    ]
    expect(own.figures).toMatchObject({ source: 'parts', problem: null })
    expect(own.figures.plots.map(({ column }) => column)).toEqual(['price', 'size'])
    expect([reported.state, reported.figures]).toEqual(['not committed', own.figures])
    const page = path.join(folder, 'report.html')
    const written = await runCli('report', there, '--run', run, '--out', page, '--endpoint', endpoint, '--json')
    expect([written.code, fs.readFileSync(page, 'utf8')], written.err).toEqual([0, expect.stringContaining('"column":"price"')])

    const uri = `${there}/_chronicle/runs/${run}`
    for (const command of ['status', 'cancel']) {
      const told = await runCli(command, uri, '--endpoint', endpoint)
      expect([told.code, told.err]).toEqual([2, expect.stringMatching(/^error run-local: .* chronicle-replay report s3:\/\/\S+ --run /)])
    }
    fs.writeFileSync(mended, '')
    const resumed = await runCli('resume', uri, '--endpoint', endpoint, '--json')
    expect(resumed.code, resumed.err).toBe(0)
    expect(JSON.parse(resumed.out)).toMatchObject({ run, state: 'committed', partitions: { failed: 0 }, resumed: [{ code: 'job-threw' }] })
    expect((await runCli('resume', ownRun, '--table', here)).code).toBe(0)
    expect(await tableSum(openStore(there, { endpoint }))).toBe(await tableSum(openStore(here)))

    for (const argv of [
      ['vacuum', there, '--dry-run'],
      ['runs', there],
      ['checksum', there],
      ['query', there, 'select count(*) from t'],
    ]) {
      const { code, err } = await runCli(...argv, '--endpoint', endpoint)
      expect(code, err).toBe(0)
    }
  })

  test('is resumed into a local table from an archive on S3', async () => {
    const table = path.join(folder, 'own')
    const run = await refusedRun(archive, table)
    fs.writeFileSync(mended, '')
    const { code, err } = await runCli('resume', run, '--table', table, '--endpoint', endpoint)
    expect(code, err).toBe(0)
    expect(err).toContain('version 0 of')
  })

  test('that nobody knows is told as such', async () => {
    const uri = `s3://${cloud.outputs.TableBucket}/local-run/_chronicle/runs/20240808T120000Z-7f3a09c2`
    for (const command of ['resume', 'status', 'cancel']) {
      const told = await runCli(command, uri, '--endpoint', endpoint)
      expect([told.code, told.err]).toEqual([
        2,
        expect.stringContaining('error run-unknown: run 20240808T120000Z-7f3a09c2 was never submitted'),
      ])
    }
  })
})
