import fs from 'node:fs'
import { QueueWriter } from '../../../core/log/writing/queue-writer.ts'
import { queuedMessages } from '../queued-messages.ts'

/**
 * Appends the messages of two logs to two queues, in the order of their times and in small segments, a few at a time; the last third when
 * a file `go` is beside them.
 */
const [from, to, pauseEvery] = process.argv.slice(2) as [string, string, string]
const writers = new Map(['book', 'trades'].map((stream) => [stream, QueueWriter.open(`${to}/${stream}`, { segmentBytes: 65_536 })]))
const queued = await queuedMessages(from, [...writers.keys()])
process.stdout.write('opened\n')
for (const [i, { message, stream }] of queued.entries()) {
  writers.get(stream)!.appendWithTimestamp(message.typeId, message.timestampNs, message.payload)
  while (i === Math.floor((queued.length * 2) / 3) && !fs.existsSync(`${to}/go`)) await new Promise((resolve) => setTimeout(resolve, 20))
  if (i % Number(pauseEvery) !== 0) continue
  process.stdout.write(`${i}\n`)
  await new Promise((resolve) => setTimeout(resolve, 5))
}
for (const writer of writers.values()) writer.close()
process.stdout.write('done\n')
