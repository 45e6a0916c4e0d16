import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { summarizeLog } from '../../core/log/checking/log-summary.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { LogWriter } from '../../core/log/writing/log-writer.ts'
import { QueueWriter } from '../../core/log/writing/queue-writer.ts'
import type { Message } from '../../core/message/message.ts'
import { essence, inDirectory, makeLog, messages, plainMessages, readAll, segmentPath } from '../support/made-log.ts'

describe('reading what was written', () => {
  it('gives back every message of every session of a LogWriter', async () => {
    const sessions = fc.array(messages({ max: 25, maxPayload: 900 }), { minLength: 1, maxLength: 3 })
    const property = fc.asyncProperty(
      sessions,
      fc.integer({ min: 1100, max: 6000 }),
      fc.integer({ min: 64, max: 700 }),
      (written, segmentBytes, bufferBytes) =>
        inDirectory(async (directory) => {
          for (const session of written) {
            const writer = LogWriter.open(directory, { segmentBytes })
            for (const { typeId, timestampNs, payload } of session) writer.append(typeId, timestampNs, payload)
            writer.finish()
          }
          if (!fs.readdirSync(directory).some((name) => name.endsWith('.q'))) return
          const reader = await ReplayReader.open(directory, { bufferBytes })
          expect((await readAll(reader)).map(essence)).toEqual(written.flat().map(essence))
          expect(reader.issues).toEqual([])
          await reader.close()
        }),
    )
    await fc.assert(property, { numRuns: 8 })
  })

  it('gives back every message of a queue, with its open and its empty prepared segment', () =>
    inDirectory(async (directory) => {
      const written = plainMessages(60, (i) => ({ payload: new Uint8Array((i * 37) % 500).fill(i) }))
      for (const session of [written.slice(0, 35), written.slice(35)]) {
        const writer = QueueWriter.open(directory, { segmentBytes: 4096, groupBytes: 1000 })
        for (const { typeId, timestampNs, payload } of session) writer.appendWithTimestamp(typeId, timestampNs, payload)
        writer.close()
      }
      const reader = await ReplayReader.open(directory)
      const expected = written.map((message, i) => ({ ...message, seq: BigInt(i < 35 ? i : i - 35) }))
      expect((await readAll(reader)).map(essence)).toEqual(expected.map(essence))
      expect(reader.issues).toEqual([])
    }))

  it('takes what a writer appends meanwhile, and notices that it sealed the segment', () =>
    inDirectory(async (directory) => {
      const written = plainMessages(12)
      const writer = QueueWriter.open(directory, { segmentBytes: 1024 }) // 7 records
      const append = (from: number, to: number): void => {
        for (const { typeId, timestampNs, payload } of written.slice(from, to)) writer.appendWithTimestamp(typeId, timestampNs, payload)
      }
      append(0, 3)
      const reader = await ReplayReader.open(directory)
      expect((await reader.nextBatch())!.length).toBe(3)
      append(3, 12)
      expect((await readAll(reader)).map(essence)).toEqual(written.slice(3).map(essence))
      expect(reader.segmentsRead.map(({ sealed, records }) => [sealed, records])).toEqual([
        [true, 7],
        [false, 5],
      ])
      expect(reader.issues).toEqual([])
      writer.close()
    }))

  it('reads a payload larger than its buffer, and ordinary ones after it', () =>
    inDirectory(async (directory) => {
      const made = plainMessages(5, (i) => (i === 2 ? { payload: new Uint8Array(3_000_000).fill(9) } : {}))
      makeLog(directory, made, { segmentBytes: 4_000_000 })
      const reader = await ReplayReader.open(directory)
      expect((await readAll(reader)).map(essence)).toEqual(made.map(essence))
    }))

  it('reads segments whose size is no multiple of 64, their PAD included', () =>
    inDirectory(async (directory) => {
      const made = plainMessages(3)
      makeLog(directory, made, { segmentBytes: 1000 })
      // As chronicle-rs repairs: a PAD up to the last byte, which rounded up runs past it.
      const file = segmentPath(directory, 0)
      const bytes = fs.readFileSync(file)
      const offset = 64 + 3 * 128
      bytes.writeUInt32LE(1000 - offset - 64 + 1, offset)
      bytes.writeUInt8(1, offset + 4)
      bytes.writeUInt16LE(0xffff, offset + 24)
      fs.writeFileSync(file, bytes)
      const { messages: count, issues } = await summarizeLog(directory)
      expect([count, issues]).toEqual([3, []])
    }))

  it('takes a relative path, and knows the symbol from the whole of it', () =>
    inDirectory(async (directory) => {
      const log = path.join(directory, 'v1/venue/btc-usdt/2025-01-01/book')
      makeLog(log, plainMessages(1))
      const reader = await ReplayReader.open(path.relative(process.cwd(), log))
      expect((await reader.next())!.symbol).toBe('btc-usdt')
    }))
})

describe('ways of reading', () => {
  const made = plainMessages(100)
  const inLog = (test: (reader: ReplayReader) => Promise<void>): Promise<void> =>
    inDirectory(async (directory) => {
      makeLog(directory, made, { segmentBytes: 2048 })
      await test(await ReplayReader.open(directory))
    })

  it('next(), async iteration and batches give the same', async () => {
    const ways: ((reader: ReplayReader) => Promise<Message[]>)[] = [
      readAll,
      (reader) => Array.fromAsync(reader, (message) => message.toOwned()),
      async (reader) => {
        const all: Message[] = []
        for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch())
          all.push(...Array.from(batch, (message) => message.toOwned()))
        return all
      },
    ]
    for (const way of ways) await inLog(async (reader) => expect((await way(reader)).map(essence)).toEqual(made.map(essence)))
  })

  it('batches go on where next() stopped, and next() where an iteration was left', () =>
    inLog(async (reader) => {
      for (const expected of made.slice(0, 3)) expect((await reader.next())!.seq).toBe(expected.seq)
      const rest: bigint[] = []
      const batch = (await reader.nextBatch())!
      for (const message of batch) rest.push(message.seq)
      expect(batch.scanned).toBe(batch.length)
      expect(rest[0]).toBe(3n)
      for await (const message of reader) {
        rest.push(message.seq)
        if (rest.length === 50) break
      }
      expect(rest).toEqual(made.slice(3, 53).map(({ seq }) => seq))
      expect((await reader.next())!.seq).toBe(53n)
    }))

  it('a seek counts from where it lands, whatever was read before', () =>
    inLog(async (reader) => {
      await reader.next()
      expect(await reader.seekToSeq(77n)).toBe(true)
      expect((await reader.next())!.seq).toBe(77n)
      expect(await reader.seekToSeq(5n)).toBe(true)
      expect((await readAll(reader)).map(({ seq }) => seq)).toEqual(made.slice(5).map(({ seq }) => seq))
      expect(await reader.seekToSeq(100n)).toBe(false)
      expect(await reader.next()).toBe(null)
    }))

  it('refuses to seek to what is no u64', () =>
    inLog(async (reader) => {
      await expect(reader.seekToTimestamp(-1n)).rejects.toMatchObject({ code: 'not-u64', category: 'input' })
      await expect(reader.seekToSeq(2n ** 64n)).rejects.toMatchObject({ code: 'not-u64', category: 'input' })
      expect(await reader.seekToTimestamp(2n ** 64n - 1n)).toBe(false)
    }))

  it('is at its end once closed', () =>
    inLog(async (reader) => {
      await reader.nextBatch()
      await reader.close()
      expect(await reader.nextBatch()).toBe(null)
    }))
})
