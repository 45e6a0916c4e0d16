import fs from 'node:fs'
import { ReplayReader } from '../../../core/log/reading/replay-reader.ts'
import { QueueWriter } from '../../../core/log/writing/queue-writer.ts'
import type { Message } from '../../../core/message/message.ts'

/**
 * Appends the messages of an instrument's logs, day after day, to queues of the same days, as a recorder that rolls at midnight does: in
 * order, in small segments, a few at a time. Each day begins with its first message, and ends before the next one does. The last third
 * of the last day is written when a file `go` is beside the days.
 */
const [from, to, pauseEvery] = process.argv.slice(2) as [string, string, string]
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const dates = fs.readdirSync(from).sort()
let count = 0
for (const date of dates) {
  const queued: { readonly message: Message; readonly stream: string }[] = []
  for (const stream of ['book', 'trades']) {
    const reader = await ReplayReader.open(`${from}/${date}/${stream}`)
    for (let message = await reader.next(); message !== null; message = await reader.next()) queued.push({ message, stream })
    await reader.close()
  }
  queued.sort((a, b) => (a.message.timestampNs < b.message.timestampNs ? -1 : a.message.timestampNs > b.message.timestampNs ? 1 : 0))
  const writers = new Map<string, QueueWriter>()
  const waitsAt = date === dates.at(-1) ? Math.floor((queued.length * 2) / 3) : -1
  for (const [i, { message, stream }] of queued.entries()) {
    while (i === waitsAt && !fs.existsSync(`${to}/go`)) await pause(20)
    if (!writers.has(stream)) {
      const log = `${to}/${date}/${stream}`
      fs.mkdirSync(log, { recursive: true })
      fs.copyFileSync(`${from}/${date}/${stream}/meta.json`, `${log}/meta.json`)
      writers.set(stream, QueueWriter.open(log, { segmentBytes: 65_536 }))
    }
    writers.get(stream)!.appendWithTimestamp(message.typeId, message.timestampNs, message.payload)
    if (++count % Number(pauseEvery) !== 0) continue
    process.stdout.write(`${count}\n`)
    await pause(5)
  }
  for (const writer of writers.values()) writer.close()
}
process.stdout.write('done\n')
