import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ReplayError } from '../../core/errors.ts'
import { DeadLetterLog } from '../../core/sink/dead-letter.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder('dead-letter')
const linesOf = (path: string) =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line))

test('one JSON object per line, in the file at once, with what is known of the place', async () => {
  const log = new DeadLetterLog({ path: join(folder, 'letters.jsonl') })
  log.add({ code: 'record-crc', message: 'say "no"\nplease', path: '/logs/a', segment: 3, offset: 128, seq: 2n ** 64n - 1n, type: 0x1002 })
  log.add({ code: 'transform-failed', message: 'x', type: 0x20 })
  expect(linesOf(log.path)).toEqual([
    {
      path: '/logs/a',
      segment: 3,
      offset: 128,
      seq: '18446744073709551615',
      type: '0x1002',
      code: 'record-crc',
      message: 'say "no"\nplease',
    },
    { type: '0x0020', code: 'transform-failed', message: 'x' },
  ])
  await log.close()
})

test('the place is not told twice', async () => {
  const place = { path: '/logs/a', segment: 1, offset: 64, seq: 5n }
  const { code, message } = new ReplayError('record-crc', 'crc differs', { category: 'corrupt', ...place })
  const log = new DeadLetterLog({ path: join(folder, 'place.jsonl') })
  log.add({ code, message, ...place })
  await log.close()
  expect(linesOf(log.path)[0].message).toBe('crc differs')
})

test('beyond the limit letters are only counted', async () => {
  const log = new DeadLetterLog({ path: join(folder, 'limit.jsonl'), limit: 2 })
  for (let i = 0; i < 5; i++) log.add({ code: 'c', message: String(i) })
  await log.close()
  expect([log.count, log.written]).toEqual([5, 2])
  expect(linesOf(log.path).map(({ message }) => message)).toEqual(['0', '1'])
})

test('an empty file says that nothing was left out, also over an older one', async () => {
  const path = join(folder, 'letters.jsonl')
  await new DeadLetterLog({ path }).close()
  expect(readFileSync(path, 'utf8')).toBe('')
})
