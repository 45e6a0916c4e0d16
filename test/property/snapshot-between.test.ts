import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { snapshotLog } from '../../core/book/snapshot/snapshot-log.ts'
import { findLogs } from '../../core/log/format/log-path.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const HOUR_NS = 3_600_000_000_000n

it('restart points between two times are those of all that a slice there may begin at, and what lies behind is not read', async () => {
  const root = temporaryFolder('snapshot-between')
  const archive = path.join(root, 'archive')
  await generateArchive(archive, { symbols: 1, messages: 8000, days: 2, seed: 7, streams: ['book'], segmentBytes: 1 << 16 })
  const days = findLogs(archive)
  const startNs = BigInt(Date.parse(days[0]!.date!)) * 1_000_000n

  const pointsOf = async (name: string, between?: readonly [bigint, bigint]) => {
    const store = new FileStore(path.join(root, name))
    const homes = days.map((day) => ({ ...day, home: { store, prefix: `${day.date}/` } }))
    const { messages } = await snapshotLog(homes, { everyNs: HOUR_NS, between })
    const files = fs.globSync('**/*.json', { cwd: store.uri }).sort()
    // The checksum is of a file that has the time since the point before, too.
    const stateOf = (file: string) => ({ ...JSON.parse(fs.readFileSync(path.join(store.uri, file), 'utf8')), crc32: null })
    return { messages, points: new Map(files.map((file) => [file, stateOf(file)])) }
  }
  const all = await pointsOf('all')
  expect(all.points.size).toBeGreaterThan(47)
  // The second day's third to sixth hour, begun between two points: the one before is wanted, too, and the first day's last.
  const some = await pointsOf('some', [startNs + 26n * HOUR_NS + HOUR_NS / 2n, startNs + 30n * HOUR_NS])
  expect(some.points.size).toBe(6)
  for (const [file, state] of some.points) expect(all.points.get(file)).toEqual(state)
  expect(some.messages).toBeLessThan(0.75 * all.messages)
})
