import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import type { MessageBatch } from '../../core/message/batch.ts'
import type { Message } from '../../core/message/message.ts'
import { ReplayPipeline } from '../../core/pipeline/replay-pipeline.ts'
import type { PipelineProgress, PipelineStats } from '../../core/pipeline/stats.ts'
import type { Sink } from '../../core/sink/sink.ts'
import { essence, inDirectory, type MadeMessage, makeLog, messages, plainMessages } from '../support/made-log.ts'

/** Keeps what it gets. */
class KeepingSink implements Sink {
  readonly name: string
  readonly messages: Message[] = []
  readonly batchSizes: number[] = []
  ends: string[] = []

  constructor(name = 'keep') {
    this.name = name
  }

  write(batch: MessageBatch): void {
    this.batchSizes.push(batch.length)
    for (const message of batch) this.messages.push(message.toOwned())
  }

  async flush(): Promise<void> {
    this.ends.push('flush')
  }

  async close(): Promise<void> {
    this.ends.push('close')
  }
}

/** A message of the model: what it says, and whether a transform made it. */
interface Item extends MadeMessage {
  readonly made: boolean
}

/** A stage, and what it does to a whole list, written as plainly as can be. */
interface ModelledStage {
  readonly name: string
  add(pipeline: ReplayPipeline): ReplayPipeline
  model(items: Item[]): Item[]
}

const isOdd = ({ payload }: { payload: Uint8Array }): boolean => payload.length % 2 === 1
const fails = ({ payload }: { payload: Uint8Array }): boolean => payload.length % 7 === 3

const STAGES: fc.Arbitrary<ModelledStage> = fc.oneof(
  fc.tuple(fc.nat(100), fc.nat(100)).map(([from, length]): ModelledStage => {
    const [fromNs, toNs] = [1_000_000n + BigInt(from), 1_000_000n + BigInt(from + length)]
    return {
      name: `time ${fromNs}–${toNs}`,
      add: (pipeline) => pipeline.filterTimeRange(fromNs, toNs),
      model: (items) => items.filter(({ timestampNs }) => timestampNs >= fromNs && timestampNs < toNs),
    }
  }),
  fc.subarray([0x1000, 0x1001, 0x1002, 7, 8], { minLength: 2 }).map(
    (types): ModelledStage => ({
      name: `types ${types}`,
      add: (pipeline) => pipeline.filterTypes(types),
      model: (items) => items.filter(({ typeId }) => types.includes(typeId)),
    }),
  ),
  fc.integer({ min: 1, max: 4 }).map(
    (interval): ModelledStage => ({
      name: `sample ${interval}`,
      add: (pipeline) => pipeline.sample(interval),
      model: (items) => items.filter((_, i) => (i + 1) % interval === 0),
    }),
  ),
  fc
    .integer({ min: 1, max: 9 })
    .map((size): ModelledStage => ({ name: `batch ${size}`, add: (pipeline) => pipeline.batch(size), model: (items) => items })),
  {
    weight: 4,
    arbitrary: fc.constantFrom<ModelledStage>(
      { name: 'odd', add: (pipeline) => pipeline.filter(isOdd), model: (items) => items.filter(isOdd) },
      {
        name: 'map',
        add: (pipeline) =>
          pipeline.map((message) =>
            message.length > 150 ? null : { typeId: 8, payload: message.payload.subarray(1), timestampNs: message.timestampNs + 1n },
          ),
        model: (items) =>
          items
            .filter(({ payload }) => payload.length <= 150)
            .map((item) => ({ ...item, typeId: 8, payload: item.payload.subarray(1), timestampNs: item.timestampNs + 1n })),
      },
      {
        name: 'echo',
        add: (pipeline) =>
          pipeline.transform({
            message(message, output) {
              output.forward(message)
              output.emit({ typeId: 7, timestampNs: message.timestampNs, payload: message.payload, seq: message.seq }, message)
            },
          }),
        model: (items) => items.flatMap((item) => [item, { ...item, typeId: 7, made: true }]),
      },
      {
        name: 'twice',
        add: (pipeline) =>
          pipeline.transform({
            apply(input, output) {
              for (const message of input) output.forward(message)
              for (const message of input) if (isOdd(message)) output.forward(message)
            },
          }),
        // Compared as a multiset: how often the source's batches alternate with their repetitions is not the point.
        model: (items) => [...items, ...items.filter(isOdd).map((item) => ({ ...item, made: true }))],
      },
      {
        name: 'asynchronous',
        add: (pipeline) =>
          pipeline.transform({
            async message(message, output) {
              if (message.index % 16 === 0) await new Promise(setImmediate)
              output.forward(message)
            },
          }),
        model: (items) => items,
      },
      {
        name: 'count at the end',
        add: (pipeline) => {
          let count = 0
          return pipeline.transform({
            apply(input) {
              count += input.length
            },
            finish: (output) => output.emit({ typeId: 8, timestampNs: 1_000_010n, payload: new Uint8Array(count % 50) }),
          })
        },
        model: (items) => [{ typeId: 8, timestampNs: 1_000_010n, payload: new Uint8Array(items.length % 50), seq: 0n, made: true }],
      },
      {
        name: 'hold back',
        add: (pipeline) => {
          const held: MessageBatch[] = []
          return pipeline.transform({
            apply: (input) => void held.push(input.retain()),
            finish(output) {
              for (const batch of held) for (const message of batch) output.forward(message)
            },
          })
        },
        model: (items) => items,
      },
      {
        name: 'fails',
        add: (pipeline) =>
          pipeline.transform({
            message(message, output) {
              output.emit({ typeId: 7, timestampNs: 0n, payload: message.payload }, message)
              output.forward(message)
              if (fails(message)) throw new Error('no')
            },
          }),
        model: (items) =>
          items.filter((item) => !fails(item)).flatMap((item) => [{ ...item, typeId: 7, timestampNs: 0n, seq: 0n, made: true }, item]),
      },
      {
        name: 'failing filter',
        add: (pipeline) =>
          pipeline.filter((message) => {
            if (fails(message)) throw new Error('no')
            return true
          }),
        model: (items) => items.filter((item) => !fails(item)),
      },
    ),
  },
)

/** 'twice' comes last: the order of its output depends on how the source cuts its batches. */
const STAGE_LISTS = fc.array(STAGES, { maxLength: 5 }).filter((stages) => stages.slice(0, -1).every(({ name }) => name !== 'twice'))

async function run(made: readonly MadeMessage[], build: (pipeline: ReplayPipeline) => ReplayPipeline): Promise<PipelineStats> {
  return inDirectory(async (directory) => {
    makeLog(directory, made, { segmentBytes: 2048 })
    const reader = await ReplayReader.open(directory, { bufferBytes: 700, checked: true })
    return build(ReplayPipeline.fromSource(reader).checkOwnership()).run()
  })
}

describe('totals and results', () => {
  it('of any stages are those of a plain model, and reconcile', async () => {
    const property = fc.asyncProperty(messages({ max: 70 }), STAGE_LISTS, fc.boolean(), async (made, stages, pushdown) => {
      const sinks = [new KeepingSink(), new KeepingSink(), new KeepingSink('other')]
      const stats = await run(made, (pipeline) => {
        const staged = stages.reduce((built, stage) => stage.add(built), pipeline.pushdown(pushdown).onError('skip'))
        return sinks.reduce((built, sink) => built.sink(sink), staged)
      })
      const expected = stages.reduce(
        (items, stage) => stage.model(items),
        made.map((message): Item => ({ ...message, made: false })),
      )
      for (const sink of sinks) expect(sink.messages.map(essence).sort()).toEqual(expected.map(essence).sort())
      if (stages.every(({ name }) => name !== 'twice')) expect(sinks[0]!.messages.map(essence)).toEqual(expected.map(essence))
      expect(stats.read).toBe(stats.filtered + stats.skipped + stats.consumed + stats.forwarded)
      expect(stats.emitted).toBe(expected.filter((item) => item.made).length)
      expect(stats.written).toEqual({ keep: expected.length, 'keep-2': expected.length, other: expected.length })
      expect(stats.forwarded + stats.emitted).toBe(expected.length)
      expect(Math.min(stats.filtered, stats.skipped, stats.consumed)).toBeGreaterThanOrEqual(0)
      if (!pushdown) expect(stats.read).toBe(made.length)
      for (const sink of sinks) expect(sink.ends).toEqual(['flush', 'close'])
    })
    await fc.assert(property, { numRuns: 60 })
  })

  it('a message forwarded twice is one that was read and one that was made', async () => {
    const stats = await run(plainMessages(10), (pipeline) =>
      pipeline.transform({
        message(message, output) {
          output.forward(message)
          output.replace(message, { typeId: 3 })
        },
      }),
    )
    expect(stats).toMatchObject({ read: 10, consumed: 0, forwarded: 10, emitted: 10 })
  })

  it('filters give the same in every order', async () => {
    const made = plainMessages(120)
    const filters: ((pipeline: ReplayPipeline) => ReplayPipeline)[] = [
      (pipeline) => pipeline.filterTypes([0x1000, 0x1002]),
      (pipeline) => pipeline.filterTimeRange(1200n, 1900n),
      (pipeline) => pipeline.filterTimeRange(null, 1800n),
      (pipeline) => pipeline.filter(({ payload }) => payload[0]! % 2 === 0),
    ]
    const expected = made.filter(
      ({ timestampNs, typeId, payload }) => typeId !== 0x1001 && timestampNs >= 1200n && timestampNs < 1800n && payload[0]! % 2 === 0,
    )
    for (const order of [
      [0, 1, 2, 3],
      [3, 2, 1, 0],
      [1, 3, 0, 2],
      [2, 0, 3, 1],
    ]) {
      const sink = new KeepingSink()
      await run(made, (pipeline) => order.reduce((built, i) => filters[i]!(built), pipeline).sink(sink))
      expect(sink.messages.map(essence)).toEqual(expected.map(essence))
    }
  })

  it('batch(n) hands on groups of n, across the batches of the source', async () => {
    const sink = new KeepingSink()
    await run(plainMessages(100), (pipeline) => pipeline.batch(40).sink(sink))
    expect(sink.batchSizes).toEqual([40, 40, 20])
  })

  it('symbols: a log of another symbol is not read; without any way to tell, nothing passes', async () => {
    await inDirectory(async (directory) => {
      const log = `${directory}/v1/venue/btc/2025-01-01/book`
      makeLog(log, plainMessages(10))
      const count = async (symbols: string[], path: string): Promise<PipelineStats> =>
        ReplayPipeline.fromSource(await ReplayReader.open(path))
          .filterSymbols(symbols)
          .run()
      expect(await count(['btc', 'eth'], log)).toMatchObject({ read: 10, forwarded: 10 })
      expect(await count(['eth'], log)).toMatchObject({ read: 0, forwarded: 0 })
      makeLog(`${directory}/plain`, plainMessages(10))
      expect(await count(['btc'], `${directory}/plain`)).toMatchObject({ read: 10, filtered: 10, forwarded: 0 })
      const resolveSymbol = ({ typeId }: { typeId: number }): string | null => ['btc', 'eth', null][typeId - 0x1000]!
      const reader = await ReplayReader.open(`${directory}/plain`, { resolveSymbol })
      expect(await ReplayPipeline.fromSource(reader).filterSymbols(['eth']).run()).toMatchObject({ read: 10, filtered: 7, forwarded: 3 })
    })
  })

  it('filters of impossible ranges and types are refused when they are set', async () => {
    await inDirectory(async (directory) => {
      makeLog(directory, plainMessages(1))
      const pipeline = ReplayPipeline.fromSource(await ReplayReader.open(directory))
      expect(() => pipeline.filterTypes([70_000])).toThrow(expect.objectContaining({ code: 'type-id' }))
      expect(() => pipeline.filterTimeRange(-1n, null)).toThrow(expect.objectContaining({ code: 'not-u64' }))
      expect(() => pipeline.filterTimeRange(0n, 2n ** 64n)).toThrow(expect.objectContaining({ code: 'not-u64' }))
      expect(() => pipeline.sample(0)).toThrow(expect.objectContaining({ code: 'sample-interval' }))
      expect(() => pipeline.batch(1.5)).toThrow(expect.objectContaining({ code: 'batch-size' }))
    })
  })

  it('a pipeline on a reader that has begun filters all the same', async () => {
    await inDirectory(async (directory) => {
      makeLog(directory, plainMessages(90))
      const reader = await ReplayReader.open(directory)
      await reader.next()
      const sink = new KeepingSink()
      const stats = await ReplayPipeline.fromSource(reader).filterTypes([0x1001]).sink(sink).run()
      expect(sink.messages.every(({ typeId }) => typeId === 0x1001)).toBe(true)
      expect(stats).toMatchObject({ read: 89, forwarded: 30, filtered: 59 })
    })
  })
})

describe('progress', () => {
  it('is told after every batch, by callback and by counter', async () => {
    const heard: PipelineProgress[] = []
    const counter = new BigInt64Array(new SharedArrayBuffer(8))
    const stats = await run(plainMessages(100), (pipeline) => pipeline.onProgress((progress) => heard.push(progress)).countInto(counter))
    expect(heard.length).toBeGreaterThan(5)
    expect(heard.at(-1)).toMatchObject({ read: 100, forwarded: 100, bytes: stats.bytes })
    expect(stats.bytes).toBe(100 * 128)
    expect(counter[0]).toBe(100n)
    for (const [i, { read }] of heard.entries()) expect(read).toBeGreaterThanOrEqual(heard[i - 1]?.read ?? 0)
  })
})
