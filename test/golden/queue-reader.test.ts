import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { QueueReader } from '../../core/log/reading/queue-reader.ts'
import type { ReadIssue } from '../../core/message/source.ts'
import { describeGolden, goldenPath } from '../golden-data.ts'
import { copyLog, readRecords, temporaryDirectory } from '../support/queue-files.ts'

const QUEUES = [
  'trades-8sym/streams/clean/binance-perp/sol-usdt/mixed/queue',
  'l2-btc/queue',
  'l3-sym/queue',
  'ts-edge/queue',
  'l2-gaps/queue',
  'l2-gaps/queue-restart',
  'corrupt/base',
  'corrupt/padding',
]

describeGolden('the live reader reads queues of chronicle-rs', () => {
  test.each(QUEUES)('%s: every record, in order', async (name) => {
    const queue = goldenPath('chronicle-rs', name)

    const { messages, issues } = await drain(queue)

    expect(issues.filter((issue) => issue.severity === 'error')).toEqual([])
    expect(messages).toEqual(readRecords(queue).map(({ segment, offset, seq }) => `${segment}:${offset} ${seq}`))
  })

  test('compressed segments as well', async () => {
    const expected = JSON.parse(fs.readFileSync(goldenPath('chronicle-rs/compressed/expected-64k.json'), 'utf8'))
    const { messages } = await drain(goldenPath('chronicle-rs/compressed/queue-64k'))
    expect(messages).toHaveLength(Number(expected.before_compression.summary.count))
  })
})

/** What the live reader says about each kind of damage, and how many of the 3000 records are lost under `skip`. */
const DAMAGE: readonly (readonly [name: string, code: string, lost: number])[] = [
  ['crc-flip', 'record-crc', 1],
  ['bad-magic', 'segment-magic', 0],
  ['bad-seg-version', 'segment-version', 0],
  ['bad-seg-id', 'segment-id', 0],
  ['bad-record-version', 'record-version', 1],
  ['oversize-len', 'record-length', 1],
  ['zero-commit-in-sealed', 'segment-hole', 1],
  ['missing-middle', 'segment-missing', 891],
  ['truncated-last', 'segment-size', 181],
]

describeGolden('the live reader at damaged queues', () => {
  test.each(DAMAGE)('%s: %s, and nothing passed silently', async (name, code) => {
    const queue = goldenPath('chronicle-rs/corrupt', name)
    await expect(drain(queue)).rejects.toMatchObject({ code, category: 'corrupt' })
  })

  test.each(DAMAGE)('%s under skip: %s is reported and only %i records are lost', async (name, code, lost) => {
    const base = await drain(goldenPath('chronicle-rs/corrupt/base'))
    const { messages, issues } = await drain(goldenPath('chronicle-rs/corrupt', name), 'skip')

    expect(issues.filter((issue) => issue.severity === 'error')[0]).toMatchObject({ code })
    expect(messages.filter((message) => !base.messages.includes(message))).toEqual([])
    expect(base.messages.length - messages.length).toBe(lost)
  })

  test('an uncommitted record at the end is not read, and reading changes no file', async () => {
    const copy = temporaryDirectory()
    copyLog(goldenPath('chronicle-rs/corrupt/uncommitted-tail'), copy)
    const before = contents(copy)

    const { messages, issues } = await drain(copy)

    expect(messages).toHaveLength(3000)
    expect(issues).toEqual([])
    expect(contents(copy)).toEqual(before)
  })

  test.each(['unsealed-middle', 'unsealed-middle-writer-dead'])(
    '%s: the writer is dead, so reading goes on, and repairs nothing',
    async (name) => {
      const copy = temporaryDirectory()
      copyLog(goldenPath('chronicle-rs/corrupt', name), copy)
      // (chronicle-rs's own reader repaired the original in place: take the flag away again.)
      const segment = path.join(copy, '000000001.q')
      const bytes = fs.readFileSync(goldenPath('chronicle-rs/corrupt/base/000000001.q'))
      bytes.writeUInt32LE(0, 12)
      fs.writeFileSync(segment, bytes)
      const before = contents(copy)

      const { messages, issues } = await drain(copy)

      expect(messages).toEqual((await drain(goldenPath('chronicle-rs/corrupt/base'))).messages)
      expect(issues).toMatchObject([{ code: 'segment-unsealed', severity: 'warning', segment: 1 }])
      expect(contents(copy)).toEqual(before)
    },
  )
})

async function drain(queue: string, onCorrupt: 'abort' | 'skip' = 'abort'): Promise<{ messages: string[]; issues: ReadIssue[] }> {
  const issues: ReadIssue[] = []
  const reader = await QueueReader.open(queue, { stopAtEnd: true, onCorrupt, onIssue: (issue) => void issues.push(issue) })
  const messages: string[] = []
  try {
    for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
      for (const message of batch) messages.push(`${message.segment}:${message.segmentOffset} ${message.seq}`)
    }
  } finally {
    await reader.close()
  }
  return { messages, issues }
}

function contents(directory: string): Record<string, string> {
  return Object.fromEntries(fs.readdirSync(directory).map((name) => [name, fs.readFileSync(path.join(directory, name), 'latin1')]))
}
