import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CsvRows } from '../../core/import/files/csv-rows.ts'
import { wholeNumber } from '../../core/import/files/whole-number.ts'
import { Decimal } from '../../core/import/messages/decimal.ts'
import { Instant } from '../../core/import/messages/instant.ts'

const encoder = new TextEncoder()

async function* piecesOf(bytes: Uint8Array, pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.slice(at, at + pieceBytes)
}

/** Fields of all rows, as texts, of which each is as a number what it is elsewhere. */
async function rowsOf(text: string, pieceBytes: number, checksNumbers = true): Promise<string[][]> {
  const rows = new CsvRows(piecesOf(encoder.encode(text), pieceBytes), 'test.csv')
  const [decimal, other, time, otherTime] = [new Decimal(), new Decimal(), new Instant(), new Instant()]
  const found: string[][] = []
  while (await rows.block()) {
    while (rows.next()) {
      const fields = Array.from({ length: rows.count }, (_, i) => rows.textOf(i))
      found.push(fields)
      if (!checksNumbers) continue
      expect(rows.number).toBe(found.length)
      expect(rows.text).toBe(fields.join(','))
      for (const [i, field] of fields.entries()) {
        const bytes = encoder.encode(field)
        expect(rows.isEmpty(i)).toBe(field === '')
        expect(rows.decimal(i, decimal), field).toBe(other.parse(bytes, 0, bytes.length))
        expect(rows.double(i, decimal), field).toBe(other.double(bytes, 0, bytes.length))
        expect({ ...decimal }, field).toEqual({ ...other })
        expect(rows.whole(i), field).toBe(wholeNumber(bytes, 0, bytes.length))
        expect(rows.time(i, time), field).toBe(otherTime.parseDigits(bytes, 0, bytes.length))
        expect({ ...time }, field).toEqual({ ...otherTime })
        const isMicros = /^(?:\d{13}|\d{16})$/.test(field) && Number(field) < 2 ** 53
        expect(rows.micros(i), field).toBe(isMicros ? Number(field.padEnd(16, '0')) : -1)
      }
    }
  }
  return found
}

function naiveRows(text: string): string[][] {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  return lines.map((line) => line.replace(/\r$/, '').split(','))
}

test('rows, fields and numbers are those of a plain split, however the bytes come', async () => {
  const number = fc.oneof(
    fc.stringMatching(/^\d{0,20}(\.\d{0,19})?$/),
    fc.constantFrom(
      '1717977600123456',
      '1717977600123',
      '1717977600',
      '1717977600123456789',
      '12345678.0',
      '0.10',
      '000.500',
      '1e-8',
      '-1',
      '.',
    ),
  )
  const field = fc.oneof(number, fc.stringMatching(/^[a-z0-9 .+-]{0,6}$/))
  const line = fc
    .tuple(fc.array(field, { minLength: 1, maxLength: 9 }), fc.constantFrom('\n', '\r\n'))
    .map(([fields, end]) => fields.join(',') + end)
  const text = fc
    .tuple(fc.array(line, { maxLength: 30 }), fc.constantFrom('', '1.5,x', '7', '1,'))
    .map(([lines, rest]) => lines.join('') + rest)
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 200 }), async (csv, pieceBytes) => {
      expect(await rowsOf(csv, pieceBytes)).toEqual(naiveRows(csv))
    }),
    { numRuns: 100 },
  )
})

test('rows longer than what is split at a time, more of them than are kept, and more fields than have a place', async () => {
  const long = `${'9'.repeat(300_000)},1`
  const many = Array.from({ length: 20_000 }, (_, i) => `${i},${i / 100}`)
  const text = [...many, long, ...many].join('\n')
  expect(await rowsOf(text, 100_000, false)).toEqual(naiveRows(text))

  const rows = new CsvRows(piecesOf(encoder.encode(`${'1,'.repeat(300)}2\n3\n`), 50), 'test.csv')
  const counts: number[] = []
  while (await rows.block()) while (rows.next()) counts.push(rows.count)
  expect(counts).toEqual([301, 1])
})
