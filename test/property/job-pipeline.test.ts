import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { runJob, tableSum } from '../../bench/made/job-run.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { TradeView } from '../../core/protocol/trade.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { MemoryStore } from '../support/memory-store.ts'
import { tableLines } from '../support/table-lines.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('job-pipeline')
const JOB = path.resolve(import.meta.dirname, '../support/jobs/large-trades.ts')

describe('a job that is a whole pipeline', () => {
  const archive = new FileStore(path.join(root, 'archive'))
  const params = { least: [0.02, 0.05] }

  beforeAll(async () => {
    await generateArchive(archive.uri, { symbols: 1, messages: 6000, days: 2, seed: 4, segmentBytes: 65_536, stepBack: 0.1 })
  })

  it('has the rows that its code says, each once', async () => {
    const table = new MemoryStore()
    const run = await runJob({ archive, table, job: JOB, params: { least: 0.02 }, slice: '1h' })
    expect(run.tasks.flatMap(({ failed }) => failed)).toEqual([])
    const expected: string[] = []
    const trade = new TradeView()
    for (const log of fs.globSync('v1/*/*/*/trades', { cwd: archive.uri })) {
      const reader = await ReplayReader.open(path.join(archive.uri, log))
      for await (const { view, payloadOffset, length, segment, segmentOffset, timestampNs } of reader) {
        const { quantity } = trade.wrap(view, payloadOffset, length)
        const seq = BigInt(segment) * 2n ** 32n + BigInt(segmentOffset / 64)
        for (let row = 0; row < (quantity < 0.02 ? 0 : quantity > 0.04 ? 2 : 1); row++) {
          expected.push(`symbol=${log.split('/')[2]} ts_ns=${timestampNs} seq=${seq} row=${row}`)
        }
      }
      await reader.close()
    }
    const found = (await tableLines(table)).map((line) => /symbol=\S+|ts_ns=\S+|seq=\S+|row=\S+/g[Symbol.match](line)!.join(' '))
    expect(expected.length).toBeGreaterThan(100)
    expect(found.sort()).toEqual(expected.sort())
  })

  it.each([{ marks: false }, { marks: true }])('has the same rows in any slices and tasks: %o', async (more) => {
    const sums = new Set<string>()
    for (const [slice, minTasks] of [
      ['1d', 1],
      ['6h', 3],
      ['1h', 7],
      ['30m', 2],
    ] as const) {
      const table = new MemoryStore()
      const run = await runJob({ archive, table, job: JOB, params: { ...params, ...more }, slice, minTasks })
      expect(run.tasks.flatMap(({ failed }) => failed)).toEqual([])
      sums.add(await tableSum(table))
      expect((await runJob({ archive, table, job: JOB, params: { ...params, ...more }, slice })).planned).toMatchObject({
        run: 0,
        stale: 0,
      })
    }
    expect(sums.size).toBe(1)
    expect(Number([...sums][0]!.split(' ')[0])).toBeGreaterThan(100)
  })

  it('refuses to be sought', async () => {
    const file = path.join(root, 'seeking.ts')
    fs.writeFileSync(
      file,
      `import { defineJob, ReplayPipeline } from 'chronicle-replay'
export default defineJob({ name: 'seeking', streams: ['trades'], columns: { n: 'i64' },
  async pipeline({ source, rows }) { await source.seekToSeq(1n); return ReplayPipeline.fromSource(source).sink(rows(() => {})) } })\n`,
    )
    const run = await runJob({ archive, table: new MemoryStore(), job: file })
    expect(new Set(run.tasks.flatMap(({ failed }) => failed.map(({ error }) => error!.code)))).toEqual(new Set(['cell-seek']))
  })
})
