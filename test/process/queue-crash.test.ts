import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LogWriter } from '../../core/log/writing/log-writer.ts'
import { QueueWriter } from '../../core/log/writing/queue-writer.ts'
import { type CrashKind, crashAt } from '../support/crash-point.ts'
import { readRecords, segmentFiles, temporaryDirectory } from '../support/queue-files.ts'

const SEGMENT_BYTES = 1024
const MESSAGES = 24
const LAST = 9999

test.each(['before', 'torn'] as const)('a writer killed at any change of a file loses no committed record (%s)', (kind) => {
  let change = 0
  for (let came = true; came; change++) {
    const directory = temporaryDirectory()
    const progress = { committed: 0 }
    came = crashAt(change, kind, () => writeSession(directory, progress))

    reopenAndAppend(directory)

    expectIntact(directory, progress.committed, `change ${change}`)
  }
  expect(change).toBeGreaterThan(100) // it was a real scenario
})

test('a writer killed again while it repairs loses no committed record', () => {
  const kinds = fc.constantFrom<CrashKind>('before', 'torn')
  fc.assert(
    fc.property(fc.nat(180), kinds, fc.array(fc.tuple(fc.nat(30), kinds), { minLength: 1, maxLength: 3 }), (change, kind, repairs) => {
      const directory = temporaryDirectory()
      const progress = { committed: 0 }
      crashAt(change, kind, () => writeSession(directory, progress))
      for (const [at, how] of repairs) crashAt(at, how, () => QueueWriter.open(directory).close())

      reopenAndAppend(directory)

      expectIntact(directory, progress.committed, 'after the repairs')
    }),
    { numRuns: 25 },
  )
})

test('a log writer killed at any change leaves only whole segments', () => {
  for (let change = 0, came = true; came; change++) {
    const directory = temporaryDirectory()
    came = crashAt(change, 'torn', () => {
      const writer = LogWriter.open(directory, { segmentBytes: SEGMENT_BYTES, indexStride: 2 })
      for (let i = 0; i < MESSAGES; i++) writer.append(typeOf(i), timeOf(i), payloadOf(i))
      writer.finish()
    })
    for (const name of segmentFiles(directory)) expect(fs.readFileSync(path.join(directory, name))).toHaveLength(SEGMENT_BYTES)
    const whole = readRecords(directory)
    expect(whole.map((record) => record.typeId)).toEqual(whole.map((_, i) => typeOf(i)))

    const writer = LogWriter.open(directory, { segmentBytes: SEGMENT_BYTES })
    writer.append(LAST, 1n, new Uint8Array(5))
    writer.finish()

    const after = readRecords(directory)
    expect(after).toHaveLength(whole.length + 1)
    expect(after.at(-1)).toMatchObject({ typeId: LAST, seq: 0n })
  }
})

/** Two sessions with single appends, groups, a flush to disk, an early seal and rolls. */
function writeSession(directory: string, progress: { committed: number }): void {
  let i = 0
  for (const groupBytes of [0, 300]) {
    const writer = QueueWriter.open(directory, { segmentBytes: SEGMENT_BYTES, groupBytes, indexStride: 3 })
    for (const end = i + MESSAGES / 2; i < end; i++) {
      writer.appendWithTimestamp(typeOf(i), timeOf(i), payloadOf(i))
      if (groupBytes === 0 || i % 4 === 0) {
        writer.flush()
        progress.committed = i + 1
      }
      if (i === 5) writer.flushSync()
      if (i === 8) writer.seal()
    }
    writer.close()
    progress.committed = i
  }
}

function reopenAndAppend(directory: string): void {
  const writer = QueueWriter.open(directory, { segmentBytes: SEGMENT_BYTES })
  writer.appendWithTimestamp(LAST, 1n, new Uint8Array(3))
  writer.close()
}

/** What was committed is there, in order and unharmed; perhaps a few more of what was appended; then the last one. */
function expectIntact(directory: string, committed: number, when: string): void {
  const records = readRecords(directory)
  const last = records.pop()
  expect(last?.typeId, when).toBe(LAST)
  expect(records.length, when).toBeGreaterThanOrEqual(committed)
  expect(records.length, when).toBeLessThanOrEqual(MESSAGES)
  records.forEach((record, i) => {
    expect([record.typeId, record.timestampNs, [...record.payload]], when).toEqual([typeOf(i), timeOf(i), [...payloadOf(i)]])
  })
  // All before the one in use are sealed: readers go through without a writer's help. One empty segment is ready.
  const sealed = segmentFiles(directory).map((name) => fs.readFileSync(path.join(directory, name)).readUInt32LE(12))
  expect(sealed, when).toEqual(sealed.map((_, i) => (i < last!.segment ? 1 : 0)))
  expect(sealed, when).toHaveLength(last!.segment + 2)
}

function typeOf(i: number): number {
  return 100 + i
}

function timeOf(i: number): bigint {
  return 1_767_225_600_000_000_000n + BigInt(i)
}

function payloadOf(i: number): Uint8Array {
  return new Uint8Array((i * 37) % 200).fill(i + 1)
}
