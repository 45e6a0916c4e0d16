import fs from 'node:fs'
import { ReplayReader } from '../../../core/log/reading/replay-reader.ts'
import { QueueWriter } from '../../../core/log/writing/queue-writer.ts'
import type { Message } from '../../../core/message/message.ts'

/**
 * Appends the messages of two logs to two queues, in the order of their times and in small segments, a few at a time; the last third when
 * a file `go` is beside them.
 */
const [from, to, pauseEvery] = process.argv.slice(2) as [string, string, string]
const queued: { readonly message: Message; readonly stream: number }[] = []
const writers = ['book', 'trades'].map((stream) => QueueWriter.open(`${to}/${stream}`, { segmentBytes: 65_536 }))
for (const [stream, name] of ['book', 'trades'].entries()) {
  const reader = await ReplayReader.open(`${from}/${name}`)
  for (let message = await reader.next(); message !== null; message = await reader.next()) queued.push({ message, stream })
  await reader.close()
}
queued.sort((a, b) => (a.message.timestampNs < b.message.timestampNs ? -1 : a.message.timestampNs > b.message.timestampNs ? 1 : 0))
process.stdout.write('opened\n')
for (const [i, { message, stream }] of queued.entries()) {
  writers[stream]!.appendWithTimestamp(message.typeId, message.timestampNs, message.payload)
  while (i === Math.floor((queued.length * 2) / 3) && !fs.existsSync(`${to}/go`)) await new Promise((resolve) => setTimeout(resolve, 20))
  if (i % Number(pauseEvery) !== 0) continue
  process.stdout.write(`${i}\n`)
  await new Promise((resolve) => setTimeout(resolve, 5))
}
for (const writer of writers) writer.close()
process.stdout.write('done\n')
