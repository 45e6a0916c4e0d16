import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { describeGolden, goldenPath } from '../golden-data.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

describeGolden('restarts from snapshots in the real archive', () => {
  const folder = temporaryFolder('golden-restarts')
  const archive = path.join(folder, 'archive')
  const jobs: [job: string, params: readonly string[]][] = [
    ['book-features', ['every=1s', 'depth=1,5']],
    [path.resolve('examples/flow-job.ts'), ['every=10s', 'depth=5']],
  ]
  /** Of recordings of the last six minutes of a day, and of LOBSTER's of an afternoon. */
  const ranges = [
    ['--slice', '1m', '--from', '2024-08-08T23:57:00Z', '--to', '2024-08-09T00:00:00Z'],
    ['--slice', '1h', '--from', '2012-06-21T17:00:00Z', '--to', '2012-06-21T20:00:00Z'],
  ]
  const sums = new Map<string, string>()

  const inMiddle = async (name: string, job: string, params: readonly string[]): Promise<string> => {
    const table = path.join(folder, name)
    for (const range of ranges) {
      const options = ['--archive', archive, '--table', table, '--workers', '2', ...params.flatMap((param) => ['--param', param])]
      const { code, err } = await runCli('run', job, ...options, ...range)
      expect(code, err).toBe(0)
    }
    const { rows, sum } = JSON.parse((await runCli('checksum', table, '--json')).out) as { rows: number; sum: string }
    expect(rows).toBeGreaterThan(100)
    return `${rows} ${sum}`
  }

  beforeAll(async () => {
    fs.cpSync(goldenPath('archive-real'), archive, { recursive: true })
    for (const [i, [job, params]] of jobs.entries()) sums.set(job, await inMiddle(`whole-${i}`, job, params))
    const points = path.join(folder, 'points')
    const { code, err } = await runCli('run', 'snapshots', '--archive', archive, '--table', points, '--param', 'every=1m')
    expect(code, err).toBe(0)
  })

  it.each(jobs.map((job, i) => [i, ...job] as const))('job %i: a range that begins in the middle has the same rows', async (i, ...job) => {
    expect(await inMiddle(`short-${i}`, ...job)).toBe(sums.get(job[0]))
    const receipts = fs.globSync(`short-${i}/_chronicle/runs/*/receipts/*`, { cwd: folder })
    const lines = receipts.flatMap((file) => fs.readFileSync(path.join(folder, file), 'utf8').trim().split('\n'))
    const began = lines.map((line) => (JSON.parse(line) as { began: { with: string } | null }).began?.with)
    expect(began.filter((how) => how === 'snapshot').length).toBeGreaterThan(5)
  })
})
