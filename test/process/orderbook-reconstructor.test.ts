import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { expect, it } from 'vitest'
import { APPLIED } from '../../core/book/apply-result.ts'
import { stateOf } from '../../core/book/book-state.ts'
import { L2Book } from '../../core/book/l2-book.ts'
import { findLogs } from '../../core/log/format/log-path.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { temporaryDirectory } from '../support/queue-files.ts'

const EXAMPLE = path.resolve(import.meta.dirname, '../../examples/orderbook-reconstructor.ts')

it('example: the whole book once per 1000 messages, as a queue of snapshots', async () => {
  const folder = temporaryDirectory()
  await generateArchive(folder, { symbols: 1, messages: 5500, days: 1, seed: 4, streams: ['book'] })
  const [log] = findLogs(folder)
  const queue = path.join(folder, 'snapshots')
  const { status, stdout } = spawnSync(process.execPath, [EXAMPLE, log!.path, queue], { encoding: 'utf8' })
  expect([status, stdout]).toEqual([0, `read 5500 messages, wrote 5 snapshots to ${queue}\n`])

  const written: unknown[] = []
  const snapshots = await ReplayReader.open(queue)
  for (let batch = await snapshots.nextBatch(); batch !== null; batch = await snapshots.nextBatch()) {
    for (const message of batch) {
      const book = new L2Book()
      expect(book.apply(message)).toBe(APPLIED)
      written.push([message.timestampNs, stateOf(book, 10)])
    }
  }
  await snapshots.close()

  const expected: unknown[] = []
  const book = new L2Book()
  const reader = await ReplayReader.open(log!.path)
  let messages = 0
  let isDue = false
  for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
    for (const message of batch) {
      const result = book.apply(message)
      isDue ||= ++messages % 1000 === 0
      if (!isDue || result !== APPLIED) continue
      isDue = false
      expected.push([message.timestampNs, stateOf(book, 10)])
    }
  }
  await reader.close()
  expect(written).toEqual(expected)
})
