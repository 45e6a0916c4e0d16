import { ReplayReader } from '../../../core/log/reading/replay-reader.ts'
import { QueueWriter } from '../../../core/log/writing/queue-writer.ts'
import type { Message } from '../../../core/message/message.ts'

/** Appends the messages of a log again, a day later, then the last one again and again, until it is killed. */
const [source, target] = process.argv.slice(2) as [string, string]
const DAY_NS = 86_400_000_000_000n
const reader = await ReplayReader.open(source)
const messages: Message[] = []
for (let message = await reader.next(); message !== null; message = await reader.next()) messages.push(message)
const writer = QueueWriter.open(target, { segmentBytes: 65_536 })
for (let i = 0; ; i++) {
  const { typeId, timestampNs, payload } = messages[Math.min(i, messages.length - 1)]!
  writer.appendWithTimestamp(typeId, timestampNs + DAY_NS, payload)
  if (i === 100) process.stdout.write('ready\n')
  if (i >= 100) await new Promise((resolve) => setTimeout(resolve, 20))
}
