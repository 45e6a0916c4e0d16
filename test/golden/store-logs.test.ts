import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { type LogSummary, summarizeLog } from '../../core/log/checking/log-summary.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { StoreLogs } from '../../core/log/stores/store-logs.ts'
import { describeGolden, goldenPath } from '../golden-data.ts'
import { RangedStore } from '../support/ranged-store.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const LOGS = ['l2-btc/queue', 'l3-sym/queue', 'ts-edge/queue', 'l2-gaps/queue-restart', 'compressed/queue-1m', 'compressed/queue-64k']
/** What a store and a directory need not have in common. */
const withoutPaths = ({ segments, issues, ...sums }: LogSummary) => ({
  ...sums,
  segments: segments.map(({ path: _, ...rest }) => rest),
  issues: issues.map(({ code, segment, offset }) => ({ code, segment, offset })),
})

describeGolden('chronicle-rs logs in an object store', () => {
  it.each(LOGS.flatMap((log) => [64 << 10, 8 << 20].map((chunkBytes) => ({ log, chunkBytes }))))(
    '$log in requests of $chunkBytes bytes reads as on disk',
    async ({ log, chunkBytes }) => {
      const directory = goldenPath('chronicle-rs', log)
      const store = new RangedStore(directory)
      const folder = await new StoreLogs(store, { chunkBytes }).open('')
      expect(withoutPaths(await summarizeLog(folder))).toEqual(withoutPaths(await summarizeLog(directory)))
      expect(store.mostInFlight).toBeLessThanOrEqual(4)
    },
  )

  it.each(LOGS.slice(0, 3))('%s: a seek finds in the store what it finds on disk', async (log) => {
    const directory = goldenPath('chronicle-rs', log)
    const { minTimestampNs, maxTimestampNs } = await summarizeLog(directory)
    const [disk, stored] = [
      await ReplayReader.open(directory),
      await ReplayReader.open(await new StoreLogs(new RangedStore(directory), { chunkBytes: 64 << 10 }).open('')),
    ]
    for (let part = 0n; part <= 8n; part++) {
      const at = minTimestampNs! + ((maxTimestampNs! - minTimestampNs!) * part) / 8n
      expect(await stored.seekToTimestamp(at)).toBe(await disk.seekToTimestamp(at))
      expect(await stored.next()).toEqual(await disk.next())
    }
    await disk.close()
    await stored.close()
  })

  it('asks for each byte of a log once, a segment at a time where it is small, and for its index and control block', async () => {
    const directory = goldenPath('chronicle-rs', 'l2-btc/queue')
    const store = new RangedStore(directory)
    await summarizeLog(await new StoreLogs(store).open(''))
    const wanted = fs.readdirSync(directory).filter((name) => /\.(q|idx)$|^control\.meta$|^meta\.json$/.test(name))
    const chunks = wanted.map((name) => Math.ceil(fs.statSync(path.join(directory, name)).size / (4 << 20)))
    expect(store.gets).toHaveLength(chunks.reduce((sum, count) => sum + count, 0))
  })

  it('fails as "input changed" when an object is another than the one listed, or gone', async () => {
    const copy = temporaryFolder('store-changed')
    fs.cpSync(goldenPath('chronicle-rs', 'l2-btc/queue'), copy, { recursive: true })
    const store = new RangedStore(copy)
    const logs = new StoreLogs(store)
    const [changed, gone] = [await logs.open(''), await logs.open('')]
    const segment = path.join(copy, '000000000.q')
    fs.utimesSync(segment, 1, 1)
    await expect(summarizeLog(changed)).rejects.toMatchObject({ code: 'input-changed', category: 'input' })
    fs.rmSync(segment)
    await expect(summarizeLog(gone)).rejects.toMatchObject({ code: 'input-changed', category: 'input' })
  })
})
