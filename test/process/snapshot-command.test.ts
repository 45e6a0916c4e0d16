import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { BookReplay } from '../../core/book/book-replay.ts'
import { findLogs } from '../../core/log/format/log-path.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { diff, snapshot } from '../support/book-messages.ts'
import { makeLog, type PlacedMessage } from '../support/made-log.ts'
import { temporaryDirectory } from '../support/queue-files.ts'
import { runCli } from '../support/run-cli.ts'
import { loadSnapshots, replayLogs, stateOfReplay, warmStart } from '../support/warm-start.ts'

const MINUTE_NS = 60_000_000_000n

async function run(...argv: string[]): Promise<{ written: number; existing: number; messages: number; streams: number; gaps: number }> {
  const { code, out, err } = await runCli('snapshot', ...argv, '--json', '--quiet')
  expect([code, err]).toEqual([0, ''])
  return JSON.parse(out) as Awaited<ReturnType<typeof run>>
}

/** Relative path → bytes of every snapshot file. */
function snapshotFiles(root: string): Map<string, Buffer> {
  const files = fs.globSync(path.join(root, '**/snapshot_*')).sort()
  return new Map(files.map((file) => [path.relative(root, file), fs.readFileSync(file)]))
}

describe('snapshot', () => {
  for (const level of ['l2', 'l3'] as const) {
    it(`${level}, days without a snapshot of their own: warm start from any = full replay over both days; again writes nothing`, async () => {
      const archive = temporaryDirectory()
      const size = { symbols: 1, messages: 20_000, days: 2, seed: 3, segmentBytes: 262_144 }
      await generateArchive(archive, { ...size, level, dailySnapshot: false })
      const every = ['--every', '4h'] as const
      const first = await run(archive, ...every)
      expect(first).toMatchObject({ existing: 0, streams: 1, gaps: 0 })
      expect(first.written).toBeGreaterThanOrEqual(12)
      const files = snapshotFiles(archive)
      expect(files.size).toBe(2 * first.written)

      const days = findLogs(archive)
        .filter(({ stream }) => stream === (level === 'l2' ? 'book' : 'l3'))
        .map((log) => log.path)
      expect(days).toHaveLength(2)
      const full = new BookReplay()
      await replayLogs(days, full)
      for (const [i, day] of days.entries()) {
        const snapshots = await loadSnapshots(day)
        expect(snapshots.length).toBeGreaterThanOrEqual(6)
        for (const each of snapshots) {
          expect(each.header.bookMode).toBe(level === 'l2' ? 0 : 1)
          expect(each.sidecar).not.toBeNull()
          const resumed = new BookReplay()
          await warmStart(each, day, days.slice(i + 1), resumed)
          expect(stateOfReplay(resumed)).toEqual(stateOfReplay(full))
        }
      }

      expect(await run(archive, ...every)).toEqual({ ...first, written: 0, existing: first.written })
      expect(snapshotFiles(archive)).toEqual(files)
    })
  }

  it('replaces what came from other inputs, and only that', async () => {
    const archive = temporaryDirectory()
    await generateArchive(archive, { symbols: 1, messages: 6000, days: 2, seed: 1, segmentBytes: 65_536, streams: ['book'] })
    const { written } = await run(archive, '--every', '4h')
    const [firstDay, secondDay] = findLogs(archive).map((log) => log.path) as [string, string]
    const segments = fs.readdirSync(secondDay).filter((name) => name.endsWith('.q'))
    const changed = path.join(secondDay, segments.sort().at(-1)!)
    fs.utimesSync(changed, 1, 1)
    const behind = (await loadSnapshots(secondDay)).filter(({ sidecar }) => sidecar!.position.segment === segments.length - 1)
    expect(behind.length).toBeGreaterThan(0)
    expect(await run(archive, '--every', '4h')).toMatchObject({ written: behind.length, existing: written - behind.length })
    // The second day begins with a snapshot: the first one no longer matters to it.
    fs.utimesSync(path.join(firstDay, '000000000.q'), 1, 1)
    const ofFirstDay = (await loadSnapshots(firstDay)).length
    expect(await run(archive, '--every', '4h')).toMatchObject({ written: ofFirstDay, existing: written - ofFirstDay })
  })

  it('stands before the first message of a bucket, with the last one before as its position', async () => {
    const log = temporaryDirectory()
    const at = (...minutes: number[]) => minutes.map((minute) => BigInt(Math.round(minute * 60)) * 1_000_000_000n + 1000n * MINUTE_NS)
    // A step back does not open a bucket again; messages of other types open one and may be a position.
    const times = at(0.5, 0.9, 1, 1.2, 0.8, 1.9, 2.5, 2.6, 5)
    const placed = makeBookLog(log, times, (i) => (i === 5 ? 0x1002 : 0x1000))
    expect(await run(log, '--every', '1m')).toMatchObject({ written: 4, messages: 9 })
    const positions = (await loadSnapshots(log)).map(({ header, sidecar }) => [
      header.seq,
      sidecar!.position.segment,
      sidecar!.position.offset,
    ])
    expect(positions).toEqual([1, 5, 7, 8].map((i) => [placed[i]!.seq, placed[i]!.segment, placed[i]!.offset]))
  })

  it('sequences that repeat after a restart of the writer do not cost a restart point, or idempotence', async () => {
    const log = temporaryDirectory()
    const times = Array.from({ length: 12 }, (_, i) => BigInt(i) * MINUTE_NS)
    const placed = makeBookLog(
      log,
      times,
      () => 0x1000,
      (i) => BigInt(i % 6),
    )
    const first = await run(log, '--every', '2m')
    const snapshots = await loadSnapshots(log)
    expect(snapshots).toHaveLength(first.written)
    const sessions = snapshots.map(({ sidecar }) => placed.findIndex(({ offset }) => offset === sidecar!.position.offset) >= 6)
    expect(new Set(sessions)).toEqual(new Set([false, true]))
    const files = snapshotFiles(log)
    expect(await run(log, '--every', '2m')).toEqual({ ...first, written: 0, existing: first.written })
    expect(snapshotFiles(log)).toEqual(files)
    const full = new BookReplay()
    await replayLogs([log], full)
    for (const each of snapshots) {
      const resumed = new BookReplay()
      await warmStart(each, log, [], resumed)
      expect(stateOfReplay(resumed)).toMatchObject({ books: (stateOfReplay(full) as { books: unknown }).books })
    }
  })

  it('leaves a snapshot of the peer, which has no sidecar, where it is', async () => {
    const log = temporaryDirectory()
    makeBookLog(log, [0n, 1n, 2n * MINUTE_NS, 3n * MINUTE_NS], () => 0x1000)
    await run(log, '--every', '1m')
    const [file] = [...snapshotFiles(log).keys()].filter((name) => name.endsWith('snapshot_1.bin'))
    const peers = fs.readFileSync(path.join(log, file!))
    peers.writeBigUInt64LE(77n, 32)
    fs.writeFileSync(path.join(log, file!), peers)
    fs.rmSync(path.join(log, file!.replace('.bin', '.json')))
    await run(log, '--every', '1m')
    expect(fs.readFileSync(path.join(log, file!))).toEqual(peers)
  })

  it('none from a gap to the next book snapshot; a damaged log ends with 3 and keeps what was written', async () => {
    const log = temporaryDirectory()
    const lost = 4
    const isWholeAgain = 7
    const placed = makeBookLog(
      log,
      Array.from({ length: 10 }, (_, i) => BigInt(i) * MINUTE_NS),
      () => 0x1000,
      (i) => BigInt(i < lost ? i : i + 5),
      (i) => i === isWholeAgain,
    )
    const result = await run(log, '--every', '1m')
    expect(result.gaps).toBe(1)
    const points = (await loadSnapshots(log)).map(({ header }) => placed.findIndex(({ seq }) => seq === header.seq))
    expect(points).toEqual([0, 1, 2, 3, 7, 8, 9])

    const damaged = temporaryDirectory()
    const [, , , , , broken] = makeBookLog(
      damaged,
      Array.from({ length: 10 }, (_, i) => BigInt(i) * MINUTE_NS),
      () => 0x1000,
    )
    const file = path.join(damaged, `${String(broken!.segment).padStart(9, '0')}.q`)
    const bytes = fs.readFileSync(file)
    bytes[broken!.offset + 70]! ^= 1
    fs.writeFileSync(file, bytes)
    const aborted = await runCli('snapshot', damaged, '--every', '1m', '--json', '--quiet')
    expect([aborted.code, JSON.parse(aborted.out)]).toEqual([3, { error: expect.objectContaining({ code: 'record-crc', exitCode: 3 }) }])
    expect(aborted.err).toContain('record-crc')
    const skipped = await runCli('snapshot', damaged, '--every', '1m', '--on-error', 'skip', '--json', '--quiet')
    expect([skipped.code, JSON.parse(skipped.out)]).toEqual([0, expect.objectContaining({ messages: 9, gaps: 1 })])
    // Behind the hole the market is in quarantine.
    for (const { header } of await loadSnapshots(damaged)) expect(header.seq).toBeLessThan(broken!.seq)
  })

  it('refuses what is no log and no duration', async () => {
    const nothing = await runCli('snapshot', path.join(temporaryDirectory(), 'none'), '--every', '1m')
    expect([nothing.code, nothing.err]).toEqual([2, expect.stringContaining('log-missing')])
    const log = temporaryDirectory()
    makeBookLog(log, [0n], () => 0x1000)
    const odd = await runCli('snapshot', log, '--every', 'often')
    expect([odd.code, odd.err]).toEqual([2, expect.stringContaining('--every: expected a duration like 10s, 1m, 1h, found "often"')])
  })
})

/** A log of one market whose book is another one after every message. */
function makeBookLog(
  directory: string,
  times: readonly bigint[],
  typeOf: (i: number) => number,
  seqOf: (i: number) => bigint = BigInt,
  isSnapshot: (i: number) => boolean = (i) => i === 0,
): PlacedMessage[] {
  const messages = times.map((timestampNs, i) => {
    const level = [100 + i, 5] as const
    const payload = isSnapshot(i) ? snapshot([level], []) : i % 3 === 2 ? diff([level], []) : diff([], [[200 + i, 1]])
    return { seq: seqOf(i), timestampNs, typeId: typeOf(i), payload }
  })
  // No index: a writer that restarts leaves a partial one, which does not count.
  return makeLog(directory, messages, { stride: 0 })
}
