import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { APPLIED } from '../../core/book/apply-result.ts'
import { isExactProduct } from '../../core/book/exact.ts'
import { L2Book } from '../../core/book/l2-book.ts'
import { tardis } from '../../core/import/formats/tardis.ts'
import { LargestNumbers } from '../../core/import/messages/largest-numbers.ts'
import { BOOK_EVENT_TYPE_OFFSET, EVENT_SNAPSHOT } from '../../core/protocol/book-event.ts'
import { L2_DIFF_PRICE_SCALE_OFFSET } from '../../core/protocol/l2-diff.ts'
import { L2_SNAPSHOT_PRICE_SCALE_OFFSET } from '../../core/protocol/l2-snapshot.ts'
import { eachMessage, importInto } from '../support/imported.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('import-scales')
const START_US = 1_723_075_200_000_000
let folders = 0

/** Numbers as JavaScript prints them, now and then with all digits of a double, or very large. */
const number = fc.oneof(
  { weight: 6, arbitrary: fc.double({ min: 0.000_01, max: 99_999, noNaN: true }).map((value) => String(Number(value.toFixed(5)) || 1)) },
  { weight: 1, arbitrary: fc.double({ min: 0.1, max: 99_999, noNaN: true }).map(String) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 9_999 }).map((value) => `${value}00000000`) },
)
const rows = fc.array(fc.tuple(fc.boolean(), fc.nat(2), number, number), { minLength: 1, maxLength: 60 })

describe('a book of an import', () => {
  it('can be read to its end at one scale, whatever the decimals of a row; what does not fit is counted', () =>
    fc.assert(
      fc.asyncProperty(rows, async (made) => {
        const text = made.map(([isBid, group, price, size], i) => {
          const at = START_US + i - (i % (group + 1))
          return `kraken,AB,${at},${at},${i === 0},${isBid ? 'bid' : 'ask'},${price},${size}\n`
        })
        const { counts, book, scales } = await imported(text.join(''))
        const refused = counts.unrepresentable['out-of-range'] ?? 0
        expect(counts.written + counts.merged + refused).toBe(made.length)
        if (book !== null) expect(scales).toEqual([`${book.priceScale} ${book.sizeScale}`])
      }),
      { numRuns: 60 },
    ))

  it.each([
    ['a late row with all digits of a double', ['0.1,13355.87450757', '0.2,0.7000000000000001'], 1],
    ['numbers of 2^53 and more', ['0.1,0.30000000000000004', '0.2,5'], 1],
    ['one level of many in a message', ['0.1,13355.5;0.2,0.7000000000000001;0.3,5'], 1],
    ['large numbers that are exact', ['0.1,99999997', '0.2,0.00000001'], 0],
  ])('keeps what goes together of %s', async (_, messages, refused) => {
    const text = messages.flatMap((levels, i) => {
      return levels.split(';').map((level) => `kraken,AB,${START_US + i},${START_US + i},${i === 0},bid,${level}\n`)
    })
    const { counts, book } = await imported(text.join(''))
    expect(counts.unrepresentable['out-of-range'] ?? 0).toBe(refused)
    expect(book!.bids.count).toBe(text.length - refused)
  })
})

it('the largest numbers say how many decimals all can gain', () =>
  fc.assert(
    fc.property(
      fc.array(
        fc.oneof(
          fc.nat(200),
          fc.maxSafeNat(),
          fc.maxSafeNat().map((n) => (n >>> 8) * 1024),
        ),
        { maxLength: 30 },
      ),
      fc.nat(5),
      fc.nat(18),
      (numbers, first, more) => {
        const largest = new LargestNumbers()
        for (const each of numbers) largest.add(each)
        const can = numbers.every((each) => isExactProduct(each, 10 ** first))
        expect(largest.canGain(first)).toBe(can)
        if (!can) return
        largest.gain(first)
        expect(largest.canGain(more)).toBe(numbers.every((each) => isExactProduct(each * 10 ** first, 10 ** more)))
      },
    ),
    { numRuns: 500 },
  ))

/** The book at the end of a file, null where nothing was written, and the scales of its messages. */
async function imported(text: string) {
  const folder = path.join(root, String(folders++))
  const file = path.join(folder, 'book.csv')
  fs.mkdirSync(folder)
  fs.writeFileSync(file, `exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\n${text}`)
  const made = await importInto(path.join(folder, 'made'), tardis, [file])
  const { counts } = made
  if (made.folders.size === 0) return { counts, book: null, scales: [] }
  const book = new L2Book()
  const scales = new Set<string>()
  await eachMessage(made, null, 'book', (message) => {
    const { view, payloadOffset } = message
    const at = payloadOffset + scalesAt(view.getUint8(payloadOffset + BOOK_EVENT_TYPE_OFFSET))
    scales.add(`${view.getUint8(at)} ${view.getUint8(at + 1)}`)
    expect(book.apply(message)).toBe(APPLIED)
  })
  return { counts, book, scales: [...scales] }
}

const scalesAt = (event: number): number => (event === EVENT_SNAPSHOT ? L2_SNAPSHOT_PRICE_SCALE_OFFSET : L2_DIFF_PRICE_SCALE_OFFSET)
