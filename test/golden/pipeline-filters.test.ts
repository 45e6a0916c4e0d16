import fs from 'node:fs'
import { expect, it } from 'vitest'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import type { MessageBatch } from '../../core/message/batch.ts'
import { ReplayPipeline } from '../../core/pipeline/replay-pipeline.ts'
import type { PipelineStats } from '../../core/pipeline/stats.ts'
import type { Sink } from '../../core/sink/sink.ts'
import { describeGolden, goldenJson, goldenPath } from '../golden-data.ts'

type GoldenFilter =
  | {
      readonly start_ns_inclusive: string
      readonly end_ns_exclusive: string
      readonly types: string[]
      readonly read: number
      readonly matched: number
      readonly filtered: number
    }
  | { readonly sample_every: number; readonly matched: number }

class CountingSink implements Sink {
  readonly name = 'count'
  count = 0

  write(batch: MessageBatch): void {
    for (const _message of batch) this.count++
  }

  async flush(): Promise<void> {}

  async close(): Promise<void> {}
}

/** Every golden file with `filters`, and the log it is about. */
function filteredLogs(): [expected: string, log: string][] {
  const root = goldenPath('chronicle-rs')
  if (!fs.existsSync(root)) return []
  const files = (fs.readdirSync(root, { recursive: true }) as string[]).filter((name) => /expected[^/]*\.json$/.test(name)).sort()
  return files
    .filter((name) => 'filters' in goldenJson<object>('chronicle-rs', name))
    .map((name) => {
      const [folder, file] = name.split('/') as [string, string]
      const part = /^expected[.-]?(.*)\.json$/.exec(file)![1]!
      if (folder === 'trades-8sym') return [name, `${folder}/streams/clean/binance-perp/${part}/mixed/queue`]
      return [name, `${folder}/${part === '' ? 'queue' : `queue-${part}`}`]
    })
}

describeGolden('filters of chronicle-rs', () => {
  it('are found for every kind of log', () => {
    expect(filteredLogs().length).toBeGreaterThanOrEqual(13)
  })

  it.each(filteredLogs())('%s: match the same messages, pushed down or not', async (expected, log) => {
    for (const golden of goldenJson<{ filters: GoldenFilter[] }>('chronicle-rs', expected).filters) {
      for (const pushdown of [true, false]) {
        const sink = new CountingSink()
        const pipeline = ReplayPipeline.fromSource(await ReplayReader.open(goldenPath('chronicle-rs', log)))
          .pushdown(pushdown)
          .sink(sink)
        const stats = await filter(pipeline, golden).run()
        expect([sink.count, stats.forwarded, stats.written.count], JSON.stringify(golden)).toEqual([
          golden.matched,
          golden.matched,
          golden.matched,
        ])
        expect(stats.read).toBe(stats.filtered + stats.forwarded)
        if (!pushdown && 'types' in golden) expect([stats.read, stats.filtered]).toEqual([golden.read, golden.filtered])
      }
    }
  })
})

function filter(pipeline: ReplayPipeline, golden: GoldenFilter): { run(): Promise<PipelineStats> } {
  if ('sample_every' in golden) return pipeline.sample(golden.sample_every)
  pipeline.filterTimeRange(BigInt(golden.start_ns_inclusive), BigInt(golden.end_ns_exclusive))
  return golden.types.length === 0 ? pipeline : pipeline.filterTypes(golden.types.map(Number))
}
