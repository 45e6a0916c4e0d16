import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EVERY_TYPE, everyTypeRows, type Row, setValue, writePart } from '../../bench/made/made-table.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { ColumnBuffer, type ColumnSpec } from '../../core/table/column-buffer.ts'
import { checksumPart, checksumTable } from '../../core/table/part-checksum.ts'
import { addChecksums, type RowChecksum, TableChecksum } from '../../core/table/table-checksum.ts'
import { naiveRowHash } from '../support/naive-row-hash.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const PLACE = [
  { name: 'venue', value: 'binance' },
  { name: 'symbol', value: 'btcusdt' },
]
const ROWS = everyTypeRows(1000)
const root = temporaryFolder('checksum')
const store = new FileStore(root)

function fromBuffers(columns: readonly ColumnSpec[], rows: readonly Row[], constants = PLACE): RowChecksum {
  const buffers = columns.map((spec) => new ColumnBuffer(spec, Math.max(1, rows.length)))
  rows.forEach((row, i) => {
    for (const buffer of buffers) setValue(buffer, i, row[buffer.name] ?? null)
  })
  const checksum = new TableChecksum(columns, constants)
  const half = rows.length >> 1
  checksum.addBuffers(buffers, 0, half)
  checksum.addBuffers(buffers, half, rows.length)
  return checksum.result()
}

function fromValues(columns: readonly ColumnSpec[], rows: readonly Row[]): RowChecksum {
  const checksum = new TableChecksum(columns, PLACE)
  checksum.addColumns(new Map(columns.map(({ name }) => [name, rows.map((row) => row[name])])), rows.length)
  return checksum.result()
}

function naiveSum(rows: readonly Row[]): bigint {
  const types = EVERY_TYPE.map(({ name, type }) => ({ name, type: type === 'date' ? 'string' : (type as string) }))
  const partitions = PLACE.map(({ name }) => ({ name, type: 'string' }))
  const hashOf = (row: Row): bigint => naiveRowHash([...types, ...partitions], { ...row, venue: 'binance', symbol: 'btcusdt' })
  return rows.reduce((total, row) => BigInt.asUintN(64, total + hashOf(row)), 0n)
}

describe('the checksum of rows', () => {
  test('is what the definition says, word by word', () => {
    const sum = naiveSum(ROWS)
    expect(fromBuffers(EVERY_TYPE, ROWS)).toEqual({ rows: 1000, sum })
    expect(fromValues(EVERY_TYPE, ROWS)).toEqual({ rows: 1000, sum })
    // Never to change: tables and receipts of earlier days hold it.
    expect(fromBuffers(EVERY_TYPE, ROWS).sum).toMatchInlineSnapshot(`2959161893373630618n`)
  })

  test('is that of columns with one value in all rows, or in all but one', () => {
    for (const base of ROWS.slice(0, 8)) {
      const same = Array.from({ length: 100 }, () => base)
      expect(fromBuffers(EVERY_TYPE, same).sum).toBe(naiveSum(same))
      for (const at of [0, 49, 99]) {
        const other = ROWS.find((row) => row.price !== base.price && row.note !== base.note)!
        for (const odd of [other, { ...base, seq: null, price: null, note: null }]) {
          const rows = same.with(at, odd)
          expect(fromBuffers(EVERY_TYPE, rows).sum).toBe(naiveSum(rows))
          expect(fromValues(EVERY_TYPE, rows).sum).toBe(naiveSum(rows))
        }
      }
    }
  })

  test('does not depend on the order of rows or columns, nor on slicing', () => {
    const whole = fromBuffers(EVERY_TYPE, ROWS)
    expect(fromBuffers([...EVERY_TYPE].reverse(), [...ROWS].reverse(), [...PLACE].reverse())).toEqual(whole)
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { maxLength: 5 }), (cuts) => {
        const ends = [...cuts, 1000].sort((a, b) => a - b)
        const pieces = ends.map((end, i) => fromBuffers(EVERY_TYPE, ROWS.slice(ends[i - 1] ?? 0, end)))
        expect(addChecksums(pieces)).toEqual(whole)
      }),
      { numRuns: 20 },
    )
  })

  test('differs for every change of one value, NULL and the smallest change included', () => {
    const base = ROWS[1]!
    const changes: Row[] = [
      { ts_ns: (base.ts_ns as bigint) + 1n },
      { ts_ns: (base.ts_ns as bigint) + 2n ** 40n },
      { seq: null },
      { seq: 0n },
      { row: 2 },
      { variant: 'v1 ' },
      { variant: '' },
      { price: null },
      { price: 0 },
      { price: -0 },
      { price: Number.NaN },
      { gap: null },
      { gap: true },
      { note: null },
      { note: '' },
      { note: 'NULL' },
    ]
    const sums = changes.map((change) => fromBuffers(EVERY_TYPE, [{ ...base, ...change }]).sum)
    expect(new Set([fromBuffers(EVERY_TYPE, [base]).sum, ...sums]).size).toBe(changes.length + 1)
  })

  test('differs when values are in other columns, or of other names, types or partitions', () => {
    const a = { name: 'a', type: 'i64', nullable: true } as const
    const b = { ...a, name: 'b' }
    const sums = [
      fromBuffers([a, b], [{ a: 1n, b: null }]),
      fromBuffers([a, b], [{ a: null, b: 1n }]),
      fromBuffers([a], [{ a: 1n }]),
      fromBuffers([b], [{ b: 1n }]),
      fromBuffers([{ ...a, type: 'i32' }], [{ a: 1 }]),
      fromBuffers([a], [{ a: 1n }], [{ name: 'venue', value: 'x' }]),
      fromBuffers([a], []),
    ]
    expect(new Set(sums.map(({ sum }) => sum)).size).toBe(sums.length)
  })

  test('NaN is one value, whatever its bits', () => {
    const column = { name: 'a', type: 'f64' } as const
    const buffer = new ColumnBuffer(column, 1)
    new Uint32Array(buffer.f64.buffer).set([5, 0xfff80000])
    const checksum = new TableChecksum([column], PLACE)
    checksum.addBuffers([buffer], 0, 1)
    expect(checksum.result()).toEqual(fromBuffers([column], [{ a: Number.NaN }]))
  })
})

describe('recomputed from parts', () => {
  test('gives what was computed when they were written', async () => {
    const rows = everyTypeRows(70_000)
    const part = await writePart(root, EVERY_TYPE, rows, { name: 'a.parquet' })
    const whole = fromBuffers(EVERY_TYPE, rows)
    expect(await checksumPart(store, part, { job: 'flow', columns: EVERY_TYPE })).toEqual(whole)

    const pieces = [rows.slice(0, 1), rows.slice(1, 30_000), rows.slice(30_000)]
    const parts = await Promise.all(pieces.map((piece, i) => writePart(root, [...EVERY_TYPE].reverse(), piece, { name: `${i}.parquet` })))
    const table = { schema: { job: 'flow', columns: EVERY_TYPE }, parts: new Map(parts.map((each) => [each.path, each])) }
    expect(await checksumTable(store, table)).toEqual(whole)
  })

  test('times in microseconds and strings that many readers spoil', async () => {
    const columns: ColumnSpec[] = [
      { name: 'ts', type: 'timestamp_us', nullable: true },
      { name: 's', type: 'string', nullable: true },
    ]
    const rows: Row[] = [
      { ts: 1_723_161_255_088_169n, s: '' },
      { ts: null, s: '\u{1f600}\0x' },
      { ts: -1n, s: null },
    ]
    const part = await writePart(root, columns, rows, { name: 'times.parquet' })
    expect(await checksumPart(store, part, { job: 'flow', columns })).toEqual(fromBuffers(columns, rows))
  })

  test('a column that the table got later is NULL in the rows of older parts', async () => {
    const rows = everyTypeRows(10)
    const part = await writePart(root, EVERY_TYPE, rows, { name: 'older.parquet' })
    const columns = [...EVERY_TYPE, { name: 'extra', type: 'i32', nullable: true } as const]
    const schema = { job: 'flow', columns }
    expect(await checksumPart(store, part, schema)).toEqual(fromBuffers(columns, rows))
    expect(await checksumPart(store, part, schema)).not.toEqual(fromBuffers(EVERY_TYPE, rows))
  })

  test('a part that is missing or damaged', async () => {
    const part = await writePart(root, EVERY_TYPE, ROWS, { name: 'damaged.parquet' })
    const schema = { job: 'flow', columns: EVERY_TYPE }
    await expect(checksumPart(store, { ...part, path: 'venue=x/none.parquet' }, schema)).rejects.toMatchObject({
      code: 'part-missing',
      category: 'corrupt',
    })
    await store.put(part.path, new Uint8Array(part.size))
    await expect(checksumPart(store, part, schema)).rejects.toMatchObject({ code: 'part-damaged', category: 'corrupt' })
  })
})
