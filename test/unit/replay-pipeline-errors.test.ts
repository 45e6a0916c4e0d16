import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import type { MessageBatch } from '../../core/message/batch.ts'
import type { Message, MessageCursor } from '../../core/message/message.ts'
import { BatchSource, type MessageSource } from '../../core/message/source.ts'
import { ReplayPipeline } from '../../core/pipeline/replay-pipeline.ts'
import type { DeadLetter } from '../../core/sink/dead-letter.ts'
import type { Sink } from '../../core/sink/sink.ts'
import { inDirectory, makeLog, plainMessages, segmentPath } from '../support/made-log.ts'

/** A sink that says what happens to it, and does what a test wants in `write`. */
function sink(
  name: string,
  events: string[],
  write: (batch: MessageBatch) => void | Promise<void> = () => {},
): Required<Omit<Sink, 'noted' | 'rows'>> {
  return {
    name,
    write,
    flush: async () => void events.push(`${name} flush`),
    close: async () => void events.push(`${name} close`),
    abandon: async () => void events.push(`${name} abandon`),
  }
}

/** Hands out a source's batches, and notes when it is asked for one and when it is closed. */
class WatchedSource extends BatchSource {
  readonly #source: MessageSource
  readonly #events: string[]

  constructor(source: MessageSource, events: string[]) {
    super()
    this.#source = source
    this.#events = events
  }

  protected readBatch(): Promise<MessageBatch | null> {
    this.#events.push('read')
    return this.#source.nextBatch()
  }

  protected seekSeq(): boolean {
    return false
  }

  protected seekTimestamp(): boolean {
    return false
  }

  async close(): Promise<void> {
    this.#events.push('source close')
    await this.#source.close()
  }
}

function inPipeline(test: (pipeline: ReplayPipeline, events: string[]) => Promise<void>): Promise<void> {
  return inDirectory(async (directory) => {
    makeLog(directory, plainMessages(30), { segmentBytes: 4096 })
    const events: string[] = []
    const reader = await ReplayReader.open(directory, { bufferBytes: 1280 })
    await test(ReplayPipeline.fromSource(new WatchedSource(reader, events)), events)
  })
}

const NO = new Error('no')
const throwNo = (): never => {
  throw NO
}

describe('a failing sink', () => {
  it.each(['abort', 'skip'] as const)('ends the run with its error, under %s too, and everything is abandoned', async (strategy) => {
    for (const grouped of [false, true]) {
      await inPipeline(async (pipeline, events) => {
        if (grouped) pipeline.batch(4)
        const run = pipeline
          .onError(strategy)
          .sink(sink('good', events))
          .sink(sink('bad', events, throwNo))
          .run()
        await expect(run).rejects.toBe(NO)
        expect(events).toEqual(['read', 'good abandon', 'bad abandon', 'source close'])
      })
    }
  })

  it('is not hidden by a transform that swallows the error of its flush', () =>
    inPipeline(async (pipeline, events) => {
      const swallow = {
        flushesItself: true,
        async apply(input: MessageBatch, output: { forward(message: MessageCursor): void; flush(): Promise<void> }): Promise<void> {
          for (const message of input) output.forward(message)
          await output.flush().catch(() => {})
        },
      }
      await expect(
        pipeline
          .onError('skip')
          .transform(swallow)
          .sink(sink('bad', events, throwNo))
          .run(),
      ).rejects.toBe(NO)
    }))

  it('without abandon is closed', () =>
    inPipeline(async (pipeline, events) => {
      const { abandon: _abandon, ...plain } = sink('plain', events, throwNo)
      await expect(pipeline.sink(plain).run()).rejects.toBe(NO)
      expect(events).toEqual(['read', 'plain close', 'source close'])
    }))

  it('that fails to close, after a good run, rejects with that; the others are still closed', () =>
    inPipeline(async (pipeline, events) => {
      await expect(
        pipeline
          .sink({ ...sink('bad', events), close: async () => throwNo() })
          .sink(sink('good', events))
          .run(),
      ).rejects.toBe(NO)
      expect(events.slice(-2)).toEqual(['good close', 'source close'])
    }))

  it('that cannot be made leaves no other sink open, made before or after it', () =>
    inPipeline(async (pipeline, events) => {
      const run = pipeline.sink(sink('before', events)).writeToCsv('/nonexistent/folder/x.csv').sink(sink('after', events)).run()
      await expect(run).rejects.toMatchObject({ category: 'input' })
      expect(events.sort()).toEqual(['after abandon', 'before abandon', 'source close'])
    }))
})

describe('sinks', () => {
  it('of one name are numbered, around a name that is taken', () =>
    inPipeline(async (pipeline, events) => {
      for (const name of ['csv', 'csv-2', 'csv', 'csv']) pipeline.sink(sink(name, events))
      expect(Object.keys((await pipeline.run()).written)).toEqual(['csv', 'csv-2', 'csv-3', 'csv-4'])
    }))

  it('hold the source back while they write', () =>
    inPipeline(async (pipeline, events) => {
      const slow = sink('slow', events, async () => {
        events.push('write')
        await new Promise((resolve) => setTimeout(resolve, 2))
        events.push('written')
      })
      await pipeline.sink(slow).run()
      const order = events.slice(0, -3).join(' ')
      expect(order).toMatch(/^(read write written )+read$/)
    }))
})

describe('an abort signal', () => {
  it('ends the run before the next batch, with its reason', () =>
    inPipeline(async (pipeline, events) => {
      const controller = new AbortController()
      const run = pipeline
        .withSignal(controller.signal)
        .sink(sink('out', events, () => controller.abort(NO)))
        .run()
      await expect(run).rejects.toBe(NO)
      expect(events).toEqual(['read', 'out abandon', 'source close'])
    }))

  it('that fired before reads nothing, and leaves nothing open', () =>
    inPipeline(async (pipeline, events) => {
      await expect(pipeline.withSignal(AbortSignal.abort(NO)).sink(sink('out', events)).run()).rejects.toBe(NO)
      expect(events).toEqual(['out abandon', 'source close'])
    }))
})

describe('damage and failing stages', () => {
  const failing = (
    letters: DeadLetter[],
    build: (pipeline: ReplayPipeline) => ReplayPipeline,
    strategy: 'abort' | 'skip' = 'skip',
  ): Promise<unknown> =>
    inDirectory(async (directory) => {
      const placed = makeLog(directory, plainMessages(30), { segmentBytes: 4096 })
      const bytes = fs.readFileSync(segmentPath(directory, 0))
      bytes[placed[4]!.offset + 64]! ^= 1
      fs.writeFileSync(segmentPath(directory, 0), bytes)
      const pipeline = ReplayPipeline.fromSource(await ReplayReader.open(directory))
        .onError(strategy)
        .deadLettersTo((letter) => letters.push(letter))
      return build(pipeline).run()
    })

  it('are left out under skip, with the place of each in the dead letters', async () => {
    const letters: DeadLetter[] = []
    const fail = (message: MessageCursor): null => (message.seq === 7n || message.seq === 20n ? throwNo() : null)
    const stats = await failing(letters, (pipeline) =>
      pipeline
        .filter((message) => fail(message) === null)
        .transform({ message: (message, output) => (message.seq === 9n ? throwNo() : output.forward(message)) }),
    )
    expect(stats).toMatchObject({
      read: 30,
      skipped: 4,
      forwarded: 26,
      filtered: 0,
      consumed: 0,
      issues: { 'record-crc': 1, 'transform-failed': 3 },
    })
    expect(letters.sort((a, b) => Number(a.seq! - b.seq!))).toEqual([
      expect.objectContaining({ code: 'record-crc', segment: 0, offset: 64 + 4 * 128, seq: 4n }),
      expect.objectContaining({ code: 'transform-failed', message: 'no', segment: 0, offset: 64 + 7 * 128, seq: 7n, type: 0x1001 }),
      expect.objectContaining({ code: 'transform-failed', segment: 0, seq: 9n }),
      expect.objectContaining({ code: 'transform-failed', segment: 0, seq: 20n }),
    ])
  })

  it('end the run under abort', async () => {
    await expect(failing([], (pipeline) => pipeline, 'abort')).rejects.toMatchObject({
      code: 'record-crc',
      place: { segment: 0, offset: 64 + 4 * 128 },
    })
    await inPipeline(async (pipeline) => await expect(pipeline.filter(throwNo).run()).rejects.toBe(NO))
    await inPipeline(async (pipeline) => await expect(pipeline.map(throwNo).run()).rejects.toBe(NO))
    await inPipeline(async (pipeline) => await expect(pipeline.transform({ apply: throwNo }).run()).rejects.toBe(NO))
  })

  it('a whole batch is left out when a batch transform fails, and the totals reconcile with stages behind it that fail, too', async () => {
    const letters: DeadLetter[] = []
    const stats = (await failing(letters, (pipeline) =>
      pipeline
        .batch(10)
        .transform({
          apply(input, output) {
            for (const message of input) output.forward(message)
            if (input.at(input.rowAt(0)).seq === 0n) throwNo()
          },
        })
        .map((message) => (message.seq === 25n ? throwNo() : {})),
    )) as { read: number; skipped: number; consumed: number; forwarded: number }
    expect(stats).toMatchObject({ read: 30, skipped: 1 + 10 + 1, consumed: 0, forwarded: 18 })
    expect(letters).toHaveLength(12)
  })
})

describe('ownership in test mode', () => {
  const kept = (build: (pipeline: ReplayPipeline, keep: (message: MessageCursor) => void) => ReplayPipeline): Promise<MessageCursor[]> =>
    inDirectory(async (directory) => {
      makeLog(directory, plainMessages(30), { segmentBytes: 4096 })
      const cursors: MessageCursor[] = []
      const reader = await ReplayReader.open(directory, { checked: true, bufferBytes: 1280 })
      await build(ReplayPipeline.fromSource(reader).checkOwnership(), (message) => cursors.push(message)).run()
      return cursors
    })

  it('a cursor kept beyond its batch throws, whether the batch is released or filled anew', async () => {
    for (const stage of ['source', 'transform']) {
      const cursors = await kept((pipeline, keep) => {
        let previous: MessageCursor | null = null
        const built = stage === 'source' ? pipeline : pipeline.map(() => ({}))
        return built.filter((message) => {
          if (previous !== null && message.index === 0)
            expect(() => previous!.seq).toThrow(expect.objectContaining({ code: 'stale-cursor' }))
          previous = message
          keep(message)
          return true
        })
      })
      for (const cursor of cursors) expect(() => cursor.payload).toThrow(expect.objectContaining({ code: 'stale-cursor', category: 'bug' }))
    }
  })

  it('owned messages and retained batches stay as they were; a payload view does not', async () => {
    const owned: Message[] = []
    const retained: MessageBatch[] = []
    const views: Uint8Array[] = []
    const out = sink('out', [], (batch) => {
      retained.push(batch.retain())
      for (const message of batch) {
        owned.push(message.toOwned())
        views.push(message.payload)
      }
    })
    await kept((pipeline) => pipeline.sample(2).sink(out))
    const expected = plainMessages(30).filter((_, i) => i % 2 === 1)
    expect(owned.map(({ seq, payload }) => [seq, payload])).toEqual(expected.map(({ seq, payload }) => [seq, payload]))
    expect(retained.flatMap((batch) => Array.from(batch, ({ seq, payload }) => [seq, payload.slice()]))).toEqual(
      expected.map(({ seq, payload }) => [seq, payload]),
    )
    expect(views.every((view) => view.every((byte) => byte === 0xdb))).toBe(true)
  })
})
