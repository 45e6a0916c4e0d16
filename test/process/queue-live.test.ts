import { expect, test } from 'vitest'
import { HybridSource } from '../../core/log/reading/hybrid-source.ts'
import { QueueReader } from '../../core/log/reading/queue-reader.ts'
import { QueueWriter } from '../../core/log/writing/queue-writer.ts'
import type { MessageSource } from '../../core/message/source.ts'
import { readRecords, temporaryDirectory } from '../support/queue-files.ts'
import { startChild } from './child.ts'
import { payloadOf, timeOf, typeOf } from './numbered-messages.ts'

const COUNT = 6000

test.each([0, 5000, 100_000])(
  'readers tailing a writer in another process see exactly what is in the log later (groups of %i bytes)',
  async (groupBytes) => {
    const directory = temporaryDirectory()
    QueueWriter.open(directory, { segmentBytes: 64 * 1024 }).close()
    const child = startChild('append', directory, COUNT, groupBytes, 50)
    let liveAt = -1
    let seen = 0

    const tailing = readNumbers(await QueueReader.open(directory, { name: 'tail' }))
    await child.printed((line) => Number(line) >= 600)
    const hybrid = await HybridSource.open(directory, {
      onLive: () => {
        liveAt = seen
      },
    })
    const handedOver = readNumbers(hybrid, (n) => {
      seen = n
    })

    const expected = Array.from({ length: COUNT }, (_, i) => i)
    expect(await tailing).toEqual(expected)
    expect(await handedOver).toEqual(expected)
    expect(liveAt).toBeGreaterThanOrEqual(600) // there was a past to replay
    expect(liveAt).toBeLessThan(COUNT) // and a future to follow
    expect(await child.ended).toBe(0)
    expect(readRecords(directory).map((record) => Number(record.timestampNs) - 1000)).toEqual(expected)
  },
)

test('a hybrid from a given time starts with the first message at or after it', async () => {
  const directory = temporaryDirectory()
  QueueWriter.open(directory, { segmentBytes: 64 * 1024 }).close()
  const child = startChild('append', directory, COUNT, 0, 50)
  await child.printed((line) => Number(line) >= 1000)

  const hybrid = await HybridSource.open(directory, { fromNs: timeOf(777) })

  expect(await readNumbers(hybrid)).toEqual(Array.from({ length: COUNT - 777 }, (_, i) => 777 + i))
})

test('the writer survives in what readers see: SIGKILL, recovery, and the tail goes on', async () => {
  const directory = temporaryDirectory()
  QueueWriter.open(directory, { segmentBytes: 64 * 1024 }).close()
  const reader = await QueueReader.open(directory)
  const child = startChild('append', directory, 1_000_000, 3000, 1000)
  await child.printed((line) => Number(line) >= 2000)
  child.process.kill('SIGKILL')
  expect(await child.ended).toBe('SIGKILL')

  const writer = QueueWriter.open(directory)
  writer.appendWithTimestamp(1, timeOf(COUNT * 1000), new Uint8Array(0))
  writer.close()

  const numbers: number[] = []
  for (let message = await reader.next(); message !== null; message = await reader.next()) {
    numbers.push(Number(message.timestampNs) - 1000)
    if (numbers.at(-1) === COUNT * 1000) break
  }
  await reader.close()
  const committed = Number(child.lastLine())
  expect(numbers.length - 1).toBeGreaterThanOrEqual(committed)
  expect(numbers.slice(0, -1)).toEqual(Array.from({ length: numbers.length - 1 }, (_, i) => i))
})

/** Reads until message COUNT - 1, checking that each is whole, and gives their numbers. */
async function readNumbers(source: MessageSource, onNumber = (_: number) => {}): Promise<number[]> {
  const numbers: number[] = []
  for await (const message of source) {
    const i = Number(message.timestampNs) - 1000
    expect(message.typeId).toBe(typeOf(i))
    if (Buffer.compare(message.payload, payloadOf(i)) !== 0) throw new Error(`message ${i} is torn`)
    numbers.push(i)
    onNumber(i)
    if (i === COUNT - 1) break
  }
  await source.close()
  return numbers
}
