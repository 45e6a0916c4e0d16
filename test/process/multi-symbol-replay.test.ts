import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { type MultiSymbolProgress, MultiSymbolReplay, type MultiSymbolResult } from '../../core/pipeline/multi-symbol-replay.ts'
import { ReplayPipeline } from '../../core/pipeline/replay-pipeline.ts'
import { inDirectory, makeLog, plainMessages, segmentPath } from '../support/made-log.ts'
import type { Instructions } from './children/symbol-pipelines.ts'

const MODULE = new URL('./children/symbol-pipelines.ts', import.meta.url)
/** Messages per symbol; the size of a log is not that of its name. */
const SIZES = { aa: 300, bb: 40, cc: 1500, dd: 700, ee: 10 }
const SYMBOLS = Object.keys(SIZES)

const logOf = (root: string, symbol: string): string => `${root}/v1/venue/${symbol}/2025-01-01/trades`

function inArchive(test: (root: string) => Promise<void>): Promise<void> {
  return inDirectory(async (root) => {
    for (const [symbol, count] of Object.entries(SIZES))
      makeLog(logOf(root, symbol), plainMessages(count), { segmentBytes: 64 + count * 128 })
    await test(root)
  })
}

function replay(
  root: string,
  data: Instructions,
  change: (replay: MultiSymbolReplay) => MultiSymbolReplay = (it) => it,
): Promise<MultiSymbolResult> {
  return change(new MultiSymbolReplay(root).addAllSymbols().workerCount(2)).run(MODULE, data)
}

const outcome = ({ results }: MultiSymbolResult): (string | undefined)[] => results.map(({ error }) => error?.code)

describe('MultiSymbolReplay', () => {
  it('gives for each symbol what one pipeline on one thread gives, in the order asked for', () =>
    inArchive(async (root) => {
      const { results, failed, read } = await replay(root, {})
      expect(results.map(({ symbol }) => symbol)).toEqual(SYMBOLS)
      expect([failed, read]).toEqual([[], 2550])
      for (const { symbol, stats } of results) {
        const alone = await ReplayPipeline.fromSource(await ReplayReader.open(logOf(root, symbol)))
          .checksum()
          .run()
        const { durationMs: _a, messagesPerSecond: _b, ...totals } = stats!
        expect(alone).toMatchObject(totals)
      }
    }))

  it('starts with the largest', () =>
    inArchive(async (root) => {
      await replay(root, { diary: `${root}/diary` }, (it) => it.workerCount(1))
      expect(fs.readFileSync(`${root}/diary`, 'utf8').trim().split('\n')).toEqual(['cc', 'dd', 'aa', 'bb', 'ee'])
    }))

  it('reports the symbols that fail, each with its cause, and finishes the others', () =>
    inArchive(async (root) => {
      const bytes = fs.readFileSync(segmentPath(logOf(root, 'dd'), 0))
      bytes[64 + 64]! ^= 1
      fs.writeFileSync(segmentPath(logOf(root, 'dd'), 0), bytes)
      const { results, failed, read } = await replay(root, { fates: { bb: 'throw', ee: 'sink' } })
      expect(outcome({ results } as MultiSymbolResult)).toEqual([undefined, 'pipeline-failed', undefined, 'record-crc', 'output-failed'])
      expect(failed.map(({ symbol }) => symbol)).toEqual(['bb', 'dd', 'ee'])
      expect(read).toBe(1800)
      expect(failed[0]!.error!.message).toContain('no pipeline for you')
      expect(failed[1]!.error).toMatchObject({ category: 'corrupt', place: { segment: 0, offset: 64 } })
      expect(failed[1]!.error!.message.match(/offset 64/g)).toHaveLength(1)
    }))

  it.each([
    ['exit', 'worker-died', 'exit code 3'],
    ['crash', 'worker-failed', 'out of the blue'],
  ] as const)('survives a worker that ends by %s, and blames no other symbol', async (fate, code, words) =>
    inArchive(async (root) => {
      const result = await replay(root, { fates: { cc: fate, aa: fate } }, (it) => it.workerCount(1))
      expect(outcome(result)).toEqual([code, undefined, code, undefined, undefined])
      expect(result.failed[0]!.error!.message).toContain(words)
    }),
  )

  it('tells of an error after an answer with the next symbol of the worker, and ignores it after the last', async () =>
    inArchive(async (root) => {
      // In the order of their sizes: dd is the one after cc, ee, the last of all, the one after bb.
      const result = await replay(root, { fates: { cc: 'late', bb: 'late' } }, (it) => it.workerCount(1))
      expect(outcome(result)).toEqual(['worker-failed', undefined, undefined, undefined, undefined])
      expect(result.failed[0]!.error!.message).toContain('after the answer')
    }))

  it('reports a module that does not load, or has no createPipeline, for every symbol', () =>
    inArchive(async (root) => {
      const load = (module: string): Promise<MultiSymbolResult> =>
        new MultiSymbolReplay(root)
          .addAllSymbols()
          .workerCount(2)
          .run(new URL(module, import.meta.url))
      const broken = await load('./children/no-pipelines.ts')
      expect(outcome(broken)).toEqual(SYMBOLS.map(() => 'pipeline-failed'))
      expect(broken.failed[0]!.error!.message).toContain('this module does not load')
      expect(outcome(await load('../support/made-log.ts'))).toEqual(SYMBOLS.map(() => 'pipeline-module'))
    }))

  it('under abort rejects with the first failure, and stops the rest', () =>
    inArchive(async (root) => {
      const diary = `${root}/diary`
      const run = replay(root, { fates: { dd: 'throw', cc: 'slow' }, diary }, (it) => it.onFailure('abort'))
      await expect(run).rejects.toMatchObject({ code: 'pipeline-failed', message: expect.stringContaining('symbol dd') })
      // cc may have been stopped before it began; the smaller ones never began.
      expect(fs.readFileSync(diary, 'utf8')).not.toMatch(/aa|bb|ee/)
    }))

  it('tells its progress, the end included', () =>
    inArchive(async (root) => {
      const heard: MultiSymbolProgress[] = []
      await replay(root, { fates: { aa: 'slow' } }, (it) => it.onProgress((progress) => heard.push(progress)))
      expect(heard.length).toBeGreaterThan(1)
      expect(heard.at(-1)).toMatchObject({ read: 2550, symbolsDone: 5, symbols: 5 })
    }))

  it('refuses what cannot work', () =>
    inArchive(async (root) => {
      expect(() => new MultiSymbolReplay(root).addSymbols(['zz'])).toThrow(expect.objectContaining({ code: 'symbol-unknown' }))
      expect(() => new MultiSymbolReplay(root).workerCount(0)).toThrow(expect.objectContaining({ code: 'worker-count' }))
      expect(() => new MultiSymbolReplay(`${root}/none`)).toThrow(expect.objectContaining({ code: 'log-missing' }))
      const run = new MultiSymbolReplay(root).addAllSymbols().run(MODULE, () => 'a function cannot be cloned')
      await expect(run).rejects.toMatchObject({ code: 'data-not-cloneable', category: 'input' })
      expect((await new MultiSymbolReplay(root).run(MODULE)).results).toEqual([])
    }))
})
