import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { outlineLog } from '../../core/log/checking/log-outline.ts'
import { verifyLog } from '../../core/log/checking/verify.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { QueueWriter } from '../../core/log/writing/queue-writer.ts'
import type { ReadIssue } from '../../core/message/source.ts'
import { compressSegment, essence, inDirectory, indexPath, makeLog, plainMessages, readAll, segmentPath } from '../support/made-log.ts'

/** Sixteen records of 128 bytes per segment. */
const LOG = { segmentBytes: 64 + 16 * 128 }

async function readSkipping(
  directory: string,
): Promise<{ readonly texts: string[]; readonly issues: ReadIssue[]; readonly skipped: number }> {
  const reader = await ReplayReader.open(directory, { onCorrupt: 'skip' })
  const texts: string[] = []
  let skipped = 0
  for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
    skipped += batch.skipped
    for (const message of batch) {
      const { seq, timestampNs, typeId } = message
      texts.push(essence({ seq, timestampNs, typeId, payload: message.payload }))
    }
  }
  await reader.close()
  return { texts, issues: reader.issues, skipped }
}

const codesOf = (issues: readonly ReadIssue[]): string[] => issues.map(({ code }) => code)

async function expectAbort(directory: string, code: string): Promise<void> {
  const reader = await ReplayReader.open(directory)
  await expect(readAll(reader)).rejects.toMatchObject({ code, category: 'corrupt' })
  await reader.close()
}

async function damagedOf(directory: string): Promise<string[]> {
  return (await verifyLog(directory)).flatMap(({ id, errors }) => errors.map(({ code }) => `${id} ${code}`))
}

describe('a log without its beginning', () => {
  it('is missing its first segments: an error to every reader, a row of verify, a hole of the outline', () =>
    inDirectory(async (directory) => {
      const placed = makeLog(directory, plainMessages(64), LOG)
      for (const id of [0, 1]) fs.rmSync(segmentPath(directory, id))
      await expectAbort(directory, 'segment-missing')
      const { texts, issues } = await readSkipping(directory)
      expect(texts).toEqual(placed.slice(32).map(essence))
      expect(issues).toMatchObject([{ code: 'segment-missing', severity: 'error', segment: 0, message: expect.stringContaining('0 to 1') }])
      expect(await damagedOf(directory)).toEqual(['0 segment-missing'])
      expect((await outlineLog(directory)).missingSegments).toEqual([0, 1])
    }))

  it('begins late within its first segment', () =>
    inDirectory(async (directory) => {
      makeLog(
        directory,
        plainMessages(20, (i) => ({ seq: BigInt(127 + i) })),
        LOG,
      )
      await expectAbort(directory, 'log-begins-late')
      expect(await readSkipping(directory)).toMatchObject({ issues: [{ code: 'log-begins-late', segment: 0, seq: 127n }] })
      expect(await damagedOf(directory)).toEqual(['0 log-begins-late'])
    }))

  it('begins with 1, or with a compressed segment: all is there', () =>
    inDirectory(async (directory) => {
      makeLog(
        directory,
        plainMessages(64, (i) => ({ seq: BigInt(1 + i) })),
        LOG,
      )
      compressSegment(directory, 0, 512)
      expect(await readSkipping(directory)).toMatchObject({ issues: [] })
    }))

  it('is normal for a live queue: a warning', () =>
    inDirectory(async (directory) => {
      const writer = QueueWriter.open(directory, LOG)
      for (const { typeId, timestampNs, payload } of plainMessages(40)) writer.appendWithTimestamp(typeId, timestampNs, payload)
      writer.close()
      fs.rmSync(segmentPath(directory, 0))
      expect(await readSkipping(directory)).toMatchObject({ issues: [{ code: 'log-begins-late', severity: 'warning' }] })
      expect(await damagedOf(directory)).toEqual([])
      // The folder of a day begins at 0 whatever wrote it.
      const day = path.join(directory, 'v1/venue/symbol/2024-01-01/book')
      fs.mkdirSync(day, { recursive: true })
      for (const name of fs.readdirSync(directory).filter((name) => name !== 'v1'))
        fs.copyFileSync(path.join(directory, name), path.join(day, name))
      await expectAbort(day, 'segment-missing')
    }))
})

describe('a log without its end', () => {
  it('has an index that knows of a later segment', () =>
    inDirectory(async (directory) => {
      makeLog(directory, plainMessages(64), LOG)
      fs.rmSync(segmentPath(directory, 3))
      await expectAbort(directory, 'segment-missing')
      expect(await damagedOf(directory)).toEqual(['3 segment-missing'])
    }))

  it('ends before the time that its meta.json tells', () =>
    inDirectory(async (directory) => {
      makeLog(directory, plainMessages(64), { ...LOG, stride: 0 })
      const meta = (last: number): void =>
        fs.writeFileSync(path.join(directory, 'meta.json'), `{"completeness": "sealed", "event_time_range": [1000, ${last}]}`)
      meta(1630)
      expect(await readSkipping(directory)).toMatchObject({ issues: [] })
      fs.rmSync(segmentPath(directory, 3))
      // No proof of a loss, so that nothing fails; but it is told.
      expect((await readSkipping(directory)).issues).toMatchObject([{ code: 'log-ends-early', severity: 'warning' }])
      expect(await damagedOf(directory)).toEqual([])
    }))

  it('has that time, and goes on with a clock that was set back', () =>
    inDirectory(async (directory) => {
      const second = 1_000_000_000n
      makeLog(
        directory,
        plainMessages(64, (i) => ({ timestampNs: second * BigInt(i < 60 ? 1000 + i : i) })),
        { ...LOG, stride: 0 },
      )
      const meta = `{"completeness": "sealed", "event_time_range": [${second}, ${1059n * second}]}`
      fs.writeFileSync(path.join(directory, 'meta.json'), meta)
      expect(codesOf((await readSkipping(directory)).issues)).toEqual(['time-step-back'])
    }))

  it('is being written, or named in another way', () =>
    inDirectory(async (directory) => {
      const placed = makeLog(directory, plainMessages(64), LOG)
      fs.renameSync(segmentPath(directory, 3), `${segmentPath(directory, 3)}.tmp`)
      expect(await readSkipping(directory)).toMatchObject({ issues: [{ code: 'segment-unfinished', severity: 'warning' }] })
      fs.renameSync(`${segmentPath(directory, 3)}.tmp`, path.join(directory, '000000003 (1).q'))
      fs.rmSync(indexPath(directory, 3))
      await expectAbort(directory, 'segment-name')
      expect((await verifyLog(directory)).filter(({ ok }) => !ok)).toMatchObject([{ errors: [{ code: 'segment-name' }] }])
      fs.copyFileSync(path.join(directory, '000000003 (1).q'), segmentPath(directory, 3))
      const { texts, issues } = await readSkipping(directory)
      expect(texts).toEqual(placed.map(essence))
      expect(issues).toMatchObject([{ code: 'segment-name', severity: 'warning' }])
    }))
})

describe('records that are there twice', () => {
  const COPIES = [
    ['the next one', 1, 2],
    ['the last one', 1, 4],
    ['an earlier one, which is gone', 3, 1],
  ] as const

  it.each(COPIES)('a copy of a segment under the id of %s is left out', (_name, from, to) =>
    inDirectory(async (directory) => {
      const placed = makeLog(directory, plainMessages(64), LOG)
      const before = placed.filter(({ segment }) => segment !== to)
      fs.copyFileSync(segmentPath(directory, from), segmentPath(directory, to))
      if (to < 4) fs.rmSync(indexPath(directory, to))
      await expectAbort(directory, 'duplicate-segment')
      const { texts, issues, skipped } = await readSkipping(directory)
      expect(texts).toEqual(before.map(essence))
      expect(issues.filter(({ severity }) => severity === 'error')).toMatchObject([
        { code: 'duplicate-segment', segment: to, repeated: 16 },
      ])
      expect(skipped).toBe(16)
      expect(await damagedOf(directory)).toEqual([`${to} duplicate-segment`])
    }),
  )

  it.each([false, true])('a recorder that recorded again what it had: only what is new is given (compressed: %s)', (isCompressed) =>
    inDirectory(async (directory) => {
      const all = plainMessages(64)
      // Sixteen per segment; the third begins eight records back.
      makeLog(directory, [...all.slice(0, 32), ...all.slice(24, 40), ...all.slice(40)], LOG)
      if (isCompressed) for (const id of [1, 2]) compressSegment(directory, id, 512)
      await expectAbort(directory, 'duplicate-segment')
      const { texts, issues } = await readSkipping(directory)
      expect(texts).toEqual(all.map(essence))
      expect(issues).toMatchObject([{ code: 'duplicate-segment', segment: 2, repeated: 8 }])
    }),
  )

  it.each([2n ** 63n, 2n ** 64n - 1n, 0n])('a copy of a segment that begins with a wild time, %s ns, is left out', (wildNs) =>
    inDirectory(async (directory) => {
      const placed = makeLog(
        directory,
        plainMessages(64, (i) => (i === 16 ? { timestampNs: wildNs } : {})),
        LOG,
      )
      fs.copyFileSync(segmentPath(directory, 1), segmentPath(directory, 4))
      const { texts, issues } = await readSkipping(directory)
      expect(texts).toEqual(placed.map(essence))
      expect(issues.filter(({ severity }) => severity === 'error')).toMatchObject([{ code: 'duplicate-segment', segment: 4, repeated: 16 }])
    }),
  )

  it.each([false, true])(
    'a copy behind a clock that was set back, so that it begins later than what was read last (after a seek: %s)',
    (isSought) =>
      inDirectory(async (directory) => {
        const second = 1_000_000_000n
        const isBack = (i: number): boolean => i >= 60
        const timeOf = (i: number): bigint => second * BigInt(isBack(i) ? 50 + i : 1000 + i)
        const placed = makeLog(
          directory,
          plainMessages(64, (i) => ({ timestampNs: timeOf(i) })),
          LOG,
        )
        // Renumbered, so that nothing but its records tells.
        const bytes = fs.readFileSync(segmentPath(directory, 3))
        bytes.writeUInt32LE(4, 8)
        fs.writeFileSync(segmentPath(directory, 4), bytes)
        const reader = await ReplayReader.open(directory, { onCorrupt: 'skip' })
        if (isSought) expect(await reader.seekToPosition(3, placed[61]!.offset)).toBe(true)
        expect((await readAll(reader)).length).toBe(isSought ? 3 : 64)
        await reader.close()
        expect(reader.issues.filter(({ severity }) => severity === 'error')).toMatchObject([
          { code: 'duplicate-segment', segment: 4, repeated: 16 },
        ])
      }),
  )

  it('a whole log written a second time behind itself', () =>
    inDirectory(async (directory) => {
      const all = plainMessages(40)
      makeLog(directory, [...plainMessages(48), ...all], LOG)
      const { texts, issues, skipped } = await readSkipping(directory)
      expect(texts).toEqual(plainMessages(48).map(essence))
      expect(codesOf(issues)).toEqual(['duplicate-segment', 'duplicate-segment', 'duplicate-segment'])
      expect(skipped).toBe(40)
    }))

  it('a new session of a writer is no copy, though its sequences begin anew', () =>
    inDirectory(async (directory) => {
      const again = plainMessages(16, (i) => ({ timestampNs: 900n + 10n * BigInt(i), payload: Uint8Array.of(i) }))
      makeLog(directory, [...plainMessages(16), ...again, ...plainMessages(16, (i) => ({ timestampNs: 9000n + BigInt(i) }))], LOG)
      const { texts, issues } = await readSkipping(directory)
      expect(texts.length).toBe(48)
      expect(issues).toEqual([])
    }))

  it('a segment as it is and compressed: the same, or two that differ', () =>
    inDirectory(async (directory) => {
      const placed = makeLog(directory, plainMessages(64), LOG)
      const plain = fs.readFileSync(segmentPath(directory, 1))
      compressSegment(directory, 1, 512)
      fs.writeFileSync(segmentPath(directory, 1), plain)
      const { texts, issues } = await readSkipping(directory)
      expect(texts).toEqual(placed.map(essence))
      expect(issues).toMatchObject([{ code: 'segment-twice', severity: 'warning', segment: 1 }])
      fs.copyFileSync(segmentPath(directory, 2), segmentPath(directory, 1))
      await expectAbort(directory, 'segment-conflict')
    }))
})
