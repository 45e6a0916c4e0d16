import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { findLogs } from '../../core/log/format/log-path.ts'
import { ArchiveSource } from '../../core/log/reading/archive-source.ts'
import { MergedSource } from '../../core/log/reading/merged-source.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { ReplayPipeline } from '../../core/pipeline/replay-pipeline.ts'
import { essence, inDirectory, type MadeMessage, makeLog, messages, plainMessages, readAll } from '../support/made-log.ts'

/** The merge as it is defined: always the smallest head time, ties to the source given first. */
function naiveMerge(sources: readonly (readonly MadeMessage[])[]): MadeMessage[] {
  const at = sources.map(() => 0)
  const merged: MadeMessage[] = []
  for (;;) {
    let least = -1
    for (const [i, source] of sources.entries()) {
      const head = source[at[i]!]
      if (head !== undefined && (least < 0 || head.timestampNs < sources[least]![at[least]!]!.timestampNs)) least = i
    }
    if (least < 0) return merged
    merged.push(sources[least]![at[least]!++]!)
  }
}

async function openAll(directory: string, sources: readonly (readonly MadeMessage[])[]): Promise<ReplayReader[]> {
  const readers: ReplayReader[] = []
  for (const [i, source] of sources.entries()) {
    makeLog(`${directory}/${i}`, source, { segmentBytes: 1500 })
    readers.push(await ReplayReader.open(`${directory}/${i}`, { bufferBytes: 600 }))
  }
  return readers
}

describe('a merge', () => {
  const steps = fc.constantFrom(0, 0, 1, 2, 3, -2)
  // Types tell the sources apart.
  const SOURCES = fc
    .array(messages({ max: 40, maxPayload: 40, steps }), { minLength: 1, maxLength: 5 })
    .map((sources) => sources.map((source, i) => source.map((message) => ({ ...message, typeId: i }))))

  it('takes the smallest head time, the first source of equals, and keeps the order of each, steps back included', async () => {
    const property = fc.asyncProperty(SOURCES, (sources) =>
      inDirectory(async (directory) => {
        const merged = new MergedSource(await openAll(directory, sources))
        expect((await readAll(merged)).map(essence)).toEqual(naiveMerge(sources).map(essence))
        await merged.close()
      }),
    )
    await fc.assert(property, { numRuns: 30 })
  })

  it('of sources in time order is a stable sort by time', async () => {
    const sources = [
      plainMessages(50, (i) => ({ timestampNs: BigInt(i >> 2) })),
      plainMessages(50, (i) => ({ timestampNs: BigInt(i >> 3) })),
    ]
    await inDirectory(async (directory) => {
      const merged = await readAll(new MergedSource(await openAll(directory, sources)))
      expect(merged.map(essence)).toEqual(
        sources
          .flat()
          .sort((a, b) => Number(a.timestampNs - b.timestampNs))
          .map(essence),
      )
    })
  })

  it('hands filters down, applies them exactly, and its totals reconcile', async () => {
    const property = fc.asyncProperty(SOURCES, fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 40 }), (sources, from, length) =>
      inDirectory(async (directory) => {
        const [fromNs, toNs] = [1_000_000n + BigInt(from), 1_000_000n + BigInt(from + length)]
        const seen: string[] = []
        const stats = await ReplayPipeline.fromSource(new MergedSource(await openAll(directory, sources)))
          .filterTimeRange(fromNs, toNs)
          .filterTypes([0, 2])
          .filter((message) => seen.push(essence(message)) > 0)
          .run()
        const wanted = sources.map((source) =>
          source.filter(({ timestampNs, typeId }) => timestampNs >= fromNs && timestampNs < toNs && typeId % 2 === 0 && typeId < 4),
        )
        expect(seen).toEqual(naiveMerge(wanted).map(essence))
        expect(stats).toMatchObject({ read: stats.filtered + stats.forwarded, forwarded: seen.length })
      }),
    )
    await fc.assert(property, { numRuns: 20 })
  })

  it('seeks every source, and goes on in merged order', async () => {
    const sources = [plainMessages(30), plainMessages(60, (i) => ({ timestampNs: 1005n + 5n * BigInt(i) }))]
    await inDirectory(async (directory) => {
      const merged = new MergedSource(await openAll(directory, sources))
      await merged.next()
      expect(await merged.seekToTimestamp(1222n)).toBe(true)
      expect((await readAll(merged)).map(essence)).toEqual(
        naiveMerge(sources.map((source) => source.filter(({ timestampNs }) => timestampNs >= 1222n))).map(essence),
      )
      expect(await merged.seekToTimestamp(1294n)).toBe(true)
      expect(await readAll(merged)).toHaveLength(2)
      expect(await merged.seekToTimestamp(5000n)).toBe(false)
      expect(await merged.next()).toBe(null)
    })
  })

  it('that was read from before a pipeline takes it filters all the same', async () => {
    const sources = [plainMessages(30), plainMessages(30, () => ({ typeId: 9 }))]
    await inDirectory(async (directory) => {
      const merged = new MergedSource(await openAll(directory, sources))
      await merged.nextBatch()
      const types = new Set<number>()
      await ReplayPipeline.fromSource(merged)
        .filterTypes([9])
        .filter(({ typeId }) => types.add(typeId).size > 0)
        .run()
      expect([...types]).toEqual([9])
    })
  })
})

describe('an archive', () => {
  const DAY_NS = 86_400_000_000_000n
  const startOf = (day: number): bigint => BigInt(Date.UTC(2025, 0, 1 + day)) * 1_000_000n

  function makeArchive(root: string): MadeMessage[] {
    const days: MadeMessage[][] = []
    for (let day = 0; day < 4; day++) {
      const streams = ['book', 'trades'].map((stream, i) => {
        const made = plainMessages(20, (k) => ({ timestampNs: startOf(day) + BigInt(k) * (DAY_NS / 20n) + BigInt(i), typeId: i }))
        makeLog(`${root}/v1/venue/btc/2025-01-0${1 + day}/${stream}`, made)
        return made
      })
      days.push(naiveMerge(streams))
    }
    return days.flat()
  }

  it('reads its days one after the other, the logs of a day merged', () =>
    inDirectory(async (root) => {
      const expected = makeArchive(root)
      expect((await readAll(new ArchiveSource(findLogs(root)))).map(essence)).toEqual(expected.map(essence))
    }))

  it('does not open days outside a time range, and passes exactly what lies in it', () =>
    inDirectory(async (root) => {
      const expected = makeArchive(root)
      const [fromNs, toNs] = [startOf(2) + DAY_NS / 2n, startOf(2) + (3n * DAY_NS) / 4n]
      const seen: string[] = []
      const stats = await ReplayPipeline.fromSource(new ArchiveSource(findLogs(root)))
        .filterTimeRange(fromNs, toNs)
        .filterSymbols(['btc'])
        .filter((message) => seen.push(essence(message)) > 0)
        .run()
      expect(seen).toEqual(expected.filter(({ timestampNs }) => timestampNs >= fromNs && timestampNs < toNs).map(essence))
      expect(stats.read).toBeLessThanOrEqual(3 * 40)
      const other = await ReplayPipeline.fromSource(new ArchiveSource(findLogs(root)))
        .filterSymbols(['eth'])
        .run()
      expect(other).toMatchObject({ read: 0, forwarded: 0 })
    }))

  it('seeks over days, and reads the following days from their start', () =>
    inDirectory(async (root) => {
      const expected = makeArchive(root)
      const archive = new ArchiveSource(findLogs(root))
      for (const target of [startOf(0), startOf(1) + 5n, startOf(3) - 10n, startOf(3)]) {
        expect(await archive.seekToTimestamp(target)).toBe(true)
        expect((await readAll(archive)).map(essence)).toEqual(expected.filter(({ timestampNs }) => timestampNs >= target).map(essence))
      }
      expect(await archive.seekToTimestamp(startOf(9))).toBe(false)
      expect(await archive.next()).toBe(null)
    }))
})
