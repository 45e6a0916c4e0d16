import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { verifyLog } from '../../core/log/checking/verify.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { SoundTimes, type SoundTimesOptions } from '../../core/log/reading/sound-times.ts'
import { TIME_DIFFERS, TIME_STEPPED_BACK, TIME_UNUSABLE, TIME_WILD } from '../../core/message/batch.ts'
import { inDirectory, makeLog, plainMessages } from '../support/made-log.ts'

const S = 1_000_000_000n
const HOUR = 3600n * S
const DAY_NS = 24n * HOUR
const START_NS = BigInt(Date.parse('2024-01-02T00:00:00Z')) * 1_000_000n
const NOON = START_NS + 12n * HOUR
/** A record a second from noon on. */
const ticks = (count: number): bigint[] => Array.from({ length: count }, (_, i) => NOON + BigInt(i) * S)

interface Given {
  /** Time as given, seconds after noon. */
  readonly at: number
  readonly flag: number
}

interface LogOptions extends Partial<SoundTimesOptions> {
  readonly segmentBytes?: number
}

/** What a source gives of a log with these times. */
async function given(times: readonly bigint[], { segmentBytes = 4096, ...options }: LogOptions = {}): Promise<Given[]> {
  return inDirectory(async (directory) => {
    makeLog(
      directory,
      plainMessages(times.length, (i) => ({ timestampNs: times[i]! })),
      { segmentBytes },
    )
    const source = new SoundTimes(await ReplayReader.open(directory, { bufferBytes: 4096 }), { date: '2024-01-02', ...options })
    const all: Given[] = []
    let next = 0n
    for (let batch = await source.nextBatch(); batch !== null; batch = await source.nextBatch()) {
      for (let k = 0; k < batch.length; k++) {
        const row = batch.rowAt(k)
        const { seq, timestampNs, segment, segmentOffset } = batch.at(row)
        expect(seq).toBe(next++) // none is lost, and the order stays
        expect(segmentOffset % 64).toBe(0)
        expect(segment).toBeGreaterThanOrEqual(0)
        all.push({ at: Number(timestampNs - NOON) / 1e9, flag: batch.timeFlags?.[row] ?? 0 })
      }
    }
    await source.close()
    return all
  })
}

/** Indexes of what has a flag. */
const flagged = (all: readonly Given[], flag: number): number[] => all.flatMap((one, i) => (one.flag === flag ? [i] : []))

describe('record times', () => {
  it.each([
    ['0', 0n],
    ['milliseconds', NOON / 1_000_000n],
    ['microseconds', NOON / 1000n],
    ['next year', NOON + 365n * DAY_NS],
    ['the year 2262', 2n ** 63n - 1n],
    ['2^64 - 1', 2n ** 64n - 1n],
    ['the day before, 12 h too early', START_NS - 12n * HOUR],
    ['late the same day', START_NS + 24n * HOUR - S],
    ['a bit of the same day', NOON ^ (1n << 44n)],
    ['two days later', START_NS + 49n * HOUR],
  ])('one of %s costs one message, wherever it lies', async (_, wild) => {
    // A first record hours before the second is nothing odd: some streams are sparse.
    const first = wild >= START_NS - DAY_NS && wild < NOON ? [] : [0]
    for (const count of [30, 200])
      for (const at of [...first, 1, 5, count - 10, count - 2]) {
        const times = ticks(count)
        times[at] = wild
        const all = await given(times)
        expect(flagged(all, TIME_WILD), `${count} records, number ${at}`).toEqual([at])
        // It has the time of the one before; the first that of the one behind.
        expect(all[at]!.at).toBe(at === 0 ? 1 : at - 1)
        expect(all.filter((_one, i) => i !== at).map((one) => one.at)).toEqual(ticks(count).flatMap((_t, i) => (i === at ? [] : [i])))
      }
  })

  it('a burst of some that jump ahead is left out, whatever their times', async () => {
    const times = ticks(100)
    for (const [i, hours] of [5n, 7n, 2n, 9n, 1n].entries()) times[40 + i] = NOON + hours * HOUR
    expect(flagged(await given(times), TIME_WILD)).toEqual([40, 41, 42, 43, 44])
  })

  it('many in a row outside of any day cannot be used by a book from the ninth on', async () => {
    const times = ticks(100)
    for (let i = 20; i < 60; i++) times[i] = BigInt(i)
    const all = await given(times)
    expect(flagged(all, TIME_WILD)).toEqual([20, 21, 22, 23, 24, 25, 26, 27])
    expect(flagged(all, TIME_UNUSABLE)).toEqual(Array.from({ length: 32 }, (_, i) => 28 + i))
  })

  it('the first ones get the first time behind them that is believed, not one that is wild itself', async () => {
    for (const count of [12, 200]) {
      const times = ticks(count)
      for (let i = 0; i < 4; i++) times[i] = 2n ** 63n
      times[4] = NOON + 11n * HOUR
      const all = await given(times)
      expect(flagged(all, TIME_WILD)).toEqual([0, 1, 2, 3, 4])
      expect(all.slice(0, 6).map(({ at }) => at)).toEqual([5, 5, 5, 5, 5, 5])
    }
  })

  it('a clock that steps back and stays there is believed, and noted', async () => {
    const times = [...ticks(50), ...ticks(50).map((time) => time - HOUR)]
    const all = await given(times)
    expect(flagged(all, TIME_WILD)).toEqual([])
    expect(flagged(all, TIME_STEPPED_BACK)).toEqual([50])
    expect(all[50]!.at).toBe(-3600)
  })

  it('a clock that steps ahead and stays there, and sparse records, are believed', async () => {
    expect((await given([...ticks(50), ...ticks(50).map((time) => time + HOUR)])).every(({ flag }) => flag === 0)).toBe(true)
    expect((await given(Array.from({ length: 24 }, (_, i) => START_NS + BigInt(i) * HOUR))).every(({ flag }) => flag === 0)).toBe(true)
    // An hour back, with a record every four minutes.
    const minutes = Array.from({ length: 40 }, (_, i) => 4 * i - (i < 20 ? 0 : 60))
    const sparse = await given(minutes.map((minute) => NOON + BigInt(minute) * 60n * S))
    expect(flagged(sparse, TIME_WILD)).toEqual([])
    expect(flagged(sparse, TIME_STEPPED_BACK)).toEqual([20])
  })

  it('up to a day beside the folder’s own are believed: folders of local days, and late rolls', async () => {
    for (const shiftNs of [-8n * HOUR, 5n * HOUR, -23n * HOUR])
      expect(
        (await given(Array.from({ length: 48 }, (_, i) => START_NS + shiftNs + (BigInt(i) * HOUR) / 2n))).every(({ flag }) => flag === 0),
      ).toBe(true)
  })

  it('of a log without a date only jumps speak', async () => {
    const times = ticks(40)
    times[0] = 0n
    times[10] = 2n ** 64n - 1n
    times[20] = NOON + 400n * DAY_NS
    times[30] = 5n
    expect(flagged(await given(times, { date: null }), TIME_WILD)).toEqual([10, 20, 30])
    expect(flagged(await given(times.slice(1), { date: null }), TIME_WILD)).toEqual([9, 19, 29])
  })

  it('that the seek index has otherwise are told of: one of the two is damaged', async () => {
    await inDirectory(async (directory) => {
      const times = ticks(100)
      const placed = makeLog(
        directory,
        plainMessages(times.length, (i) => ({ timestampNs: times[i]! })),
      )
      // The first record of a segment is an entry of its index. Ten milliseconds are no jump.
      const { segment, offset, seq } = placed.find((one) => one.segment === 1)!
      const file = path.join(directory, `${String(segment).padStart(9, '0')}.q`)
      const bytes = fs.readFileSync(file)
      bytes.writeBigUInt64LE(times[Number(seq)]! + 10_000_000n, offset + 16)
      fs.writeFileSync(file, bytes)
      const source = new SoundTimes(await ReplayReader.open(directory), { date: '2024-01-02' })
      const differing: bigint[] = []
      for (let batch = await source.nextBatch(); batch !== null; batch = await source.nextBatch())
        for (const message of batch) if (batch.timeFlags?.[message.index] === TIME_DIFFERS) differing.push(message.seq)
      await source.close()
      expect(differing).toEqual([seq])
      // As verify has it.
      const damaged = (await verifyLog(directory)).filter(({ ok }) => !ok)
      expect(damaged.flatMap(({ errors }) => errors.map(({ code }) => code))).toContain('index-differs')
    })
  })

  it('tell what they reach, when all were read', async () => {
    const reach: bigint[] = []
    const times = [...ticks(40), NOON + DAY_NS, NOON - HOUR]
    times[7] = 2n ** 63n
    await given(times, { onTimes: (minNs, maxNs) => reach.push(minNs, maxNs) })
    expect(reach).toEqual([NOON - HOUR, NOON + DAY_NS])
  })

  it('beyond what was planned are refused, with what there is', async () => {
    const reach: bigint[] = []
    const options: LogOptions = {
      reach: { fromNs: START_NS, toNs: START_NS + DAY_NS },
      onTimes: (minNs, maxNs) => reach.push(minNs, maxNs),
    }
    await expect(given([...ticks(40), START_NS + DAY_NS, START_NS + DAY_NS + HOUR], options)).rejects.toMatchObject({
      code: 'folder-reach',
      category: 'input',
      message: expect.stringContaining('2024-01-03T01:00:00Z'),
    })
    expect(reach).toEqual([NOON, START_NS + DAY_NS + HOUR])
  })
})
