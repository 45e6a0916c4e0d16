import { describe, expect, it } from 'vitest'
import { findLogs } from '../../core/log/log-path.ts'
import { ReplayReader } from '../../core/log/replay-reader.ts'
import { ArchiveSource } from '../../core/pipeline/archive-source.ts'
import { DatedSource } from '../../core/pipeline/dated-source.ts'
import type { ReadIssue } from '../../core/pipeline/source.ts'
import { inDirectory, makeLog, plainMessages } from '../support/made-log.ts'

const DAY_NS = 86_400_000_000_000n
const START_NS = BigInt(Date.parse('2024-01-02T00:00:00Z')) * 1_000_000n
/** First and last nanosecond of the day, and what lies beside it. */
const TIMES = [START_NS - 1n, START_NS, START_NS + DAY_NS, START_NS + 5n, 0n, 2n ** 63n, START_NS + DAY_NS - 1n, START_NS - DAY_NS]
const SOUND = [1n, 3n, 6n]

describe('DatedSource', () => {
  it('leaves out records of another day than the folder’s, and tells of each once all before it were given', async () => {
    await inDirectory(async (directory) => {
      makeLog(
        directory,
        plainMessages(TIMES.length, (i) => ({ timestampNs: TIMES[i]! })),
        { segmentBytes: 4096 },
      )
      const told: (bigint | undefined)[] = []
      const source = new DatedSource(await ReplayReader.open(directory), '2024-01-02', ({ code, severity, seq }: ReadIssue) => {
        expect([code, severity]).toEqual(['record-date', 'error'])
        told.push(seq)
      })
      const given: bigint[] = []
      let skipped = 0
      for (let batch = await source.nextBatch(); batch !== null; batch = await source.nextBatch()) {
        // What was told so far lies before this batch.
        for (const { seq } of batch) {
          expect(told.every((before) => before! < seq)).toBe(true)
          given.push(seq)
        }
        skipped += batch.skipped
      }
      await source.close()
      expect(given).toEqual(SOUND)
      expect(told).toEqual([0n, 2n, 4n, 5n, 7n])
      expect(skipped).toBe(5)
    })
  })

  it('is what an archive’s source does where dates are checked', async () => {
    await inDirectory(async (directory) => {
      makeLog(
        `${directory}/v1/venue/symbol/2024-01-02/trades`,
        plainMessages(TIMES.length, (i) => ({ timestampNs: TIMES[i]! })),
        { segmentBytes: 4096 },
      )
      const issues: ReadIssue[] = []
      const source = new ArchiveSource(findLogs(directory), { checkDates: true, onIssue: (issue) => issues.push(issue) })
      const seqs: bigint[] = []
      for await (const { seq } of source) seqs.push(seq)
      await source.close()
      expect(seqs).toEqual(SOUND)
      expect(issues.filter(({ code }) => code === 'record-date')).toHaveLength(5)
      expect(issues.find(({ code }) => code === 'record-date')).toMatchObject({ segment: 0, offset: 64, seq: 0n })
    })
  })
})
