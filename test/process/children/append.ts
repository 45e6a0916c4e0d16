/**
 * Appends messages to a queue until killed or done: `append.ts <directory> <count> <groupBytes> <pauseEvery>`.
 * Message i has type i % 1000, time 1000 + i and a payload that i determines; prints "<number of committed messages>\n".
 */
import { QueueWriter } from '../../../core/log/writing/queue-writer.ts'
import { payloadOf, timeOf, typeOf } from '../numbered-messages.ts'

const [directory, count, groupBytes, pauseEvery] = process.argv.slice(2)
const writer = QueueWriter.open(directory!, { segmentBytes: 64 * 1024, groupBytes: Number(groupBytes), indexStride: 16 })
const sleeper = new Int32Array(new SharedArrayBuffer(4))
for (let i = 0; i < Number(count); i++) {
  writer.appendWithTimestamp(typeOf(i), timeOf(i), payloadOf(i))
  if (i % 64 === 63) {
    writer.flush()
    process.stdout.write(`${i + 1}\n`)
  }
  if (i % Number(pauseEvery) === 0) Atomics.wait(sleeper, 0, 0, 1)
}
writer.close()
process.stdout.write(`${count}\n`)
