import fs from 'node:fs'
import { QueueWriter } from '../../../core/log/writing/queue-writer.ts'
import { queuedMessages } from '../queued-messages.ts'

/**
 * Appends the messages of an instrument's logs, day after day, to queues of the same days, as a recorder that rolls at midnight does: in
 * order, in small segments, a few at a time. Each day begins with its first message, and ends before the next one does. The last third
 * of the last day is written when a file `go` is beside the days. With `late`, trades begin at noon of the first day, and all waits behind
 * the first of them until a file `seen` is beside the days.
 */
const [from, to, pauseEvery, late] = process.argv.slice(2) as [string, string, string, string?]
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))
const dates = fs.readdirSync(from).sort()
const noonNs = BigInt(Date.parse(`${dates[0]}T12:00Z`)) * 1_000_000n
let count = 0
let hasTrades = false
for (const date of dates) {
  const queued = await queuedMessages(`${from}/${date}`, ['book', 'trades'])
  const writers = new Map<string, QueueWriter>()
  const waitsAt = date === dates.at(-1) ? Math.floor((queued.length * 2) / 3) : -1
  for (const [i, { message, stream }] of queued.entries()) {
    if (late === 'late' && stream === 'trades' && message.timestampNs < noonNs) continue
    while (i === waitsAt && !fs.existsSync(`${to}/go`)) await pause(20)
    if (!writers.has(stream)) {
      const log = `${to}/${date}/${stream}`
      fs.mkdirSync(log, { recursive: true })
      fs.copyFileSync(`${from}/${date}/${stream}/meta.json`, `${log}/meta.json`)
      writers.set(stream, QueueWriter.open(log, { segmentBytes: 65_536 }))
    }
    writers.get(stream)!.appendWithTimestamp(message.typeId, message.timestampNs, message.payload)
    if (late === 'late' && stream === 'trades' && !hasTrades) {
      process.stdout.write('trades\n')
      while (!fs.existsSync(`${to}/seen`)) await pause(20)
    }
    hasTrades ||= stream === 'trades'
    if (++count % Number(pauseEvery) !== 0) continue
    process.stdout.write(`${count}\n`)
    await pause(5)
  }
  for (const writer of writers.values()) writer.close()
}
process.stdout.write('done\n')
