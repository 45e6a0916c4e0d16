import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { resolveColumns } from '../../core/features/columns/builtin-columns.ts'
import { FeatureEngine } from '../../core/features/feature-engine.ts'
import { LogWriter } from '../../core/log/writing/log-writer.ts'
import { encodeL2Diff } from '../../core/protocol/l2-diff.ts'
import { encodeL2Snapshot } from '../../core/protocol/l2-snapshot.ts'
import { marketId, symbolHash } from '../../core/protocol/symbol-hash.ts'
import { encodeTrade } from '../../core/protocol/trade.ts'
import type { ColumnSpec } from '../../core/table/column-buffer.ts'
import { batchOf, tradeMessage } from '../support/batches.ts'
import { MemoryRows } from '../support/memory-rows.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('job-values')
const archive = path.join(root, 'archive')
/** 2020-04-20T18:30:00Z */
const START_NS = 1_587_407_400_000_000_000n
const SECOND_NS = 1_000_000_000n
const HUGE = 2n ** 64n - 5n

type Trade = readonly [second: number, price: number, quantity: number, id: bigint]

function writeTrades(symbol: string, trades: readonly Trade[]): void {
  const log = LogWriter.open(path.join(archive, 'v1/x', symbol, '2020-04-20/trades'), { segmentBytes: 1 << 16 })
  for (const [second, price, quantity, id] of trades) {
    const payload = new Uint8Array(64)
    const timestampNs = START_NS + BigInt(second) * SECOND_NS
    const ids = { tradeId: id, buyerOrderId: id, sellerOrderId: 7n, isBuyerMaker: false, symbolHash: symbolHash(symbol) }
    encodeTrade(new DataView(payload.buffer), 0, { timestampNs, price, quantity, ...ids })
    log.append(0x1002, timestampNs, payload)
  }
  log.finish()
}

/** A book whose second message has a bid of the given i64. */
function writeBook(symbol: string, price: bigint): void {
  const log = LogWriter.open(path.join(archive, 'v1/x', symbol, '2020-04-20/book'), { segmentBytes: 1 << 16 })
  for (let i = 0; i < 3; i++) {
    const ns = START_NS + BigInt(i) * SECOND_NS
    const head = { venueId: 1, marketId: marketId(symbol), streamId: 0, ingestTsNs: ns, exchangeTsNs: ns, seq: 0n, nativeSeq: 0n, flags: 1 }
    const levels = { priceScale: 2, sizeScale: 0, bids: [[100n, 1n]] as const, asks: [[102n, 1n]] as const }
    const view = new DataView(new ArrayBuffer(256))
    const diff = { ...head, ...levels, updateIdFirst: 0n, updateIdLast: 0n, updateIdPrev: 0n, asks: [] }
    const length = i === 1 ? encodeL2Diff(view, 0, diff) : encodeL2Snapshot(view, 0, { ...head, ...levels })
    if (i === 1) view.setBigInt64(length - 16, price, true)
    log.append(0x1000, ns, new Uint8Array(view.buffer, 0, length))
  }
  log.finish()
}

async function run(job: string, table: string, ...more: string[]): Promise<{ code: number; err: string; rows: Record<string, unknown>[] }> {
  const at = path.join(root, table)
  const { code, err } = await runCli('run', job, '--archive', archive, '--table', at, '--workers', '1', '--quiet', '--no-types', ...more)
  const hasTable = fs.existsSync(path.join(at, '_delta_log'))
  const answer = hasTable ? await runCli('query', at, 'select * from t order by ts_ns', '--json') : { out: '[]' }
  return { code, err, rows: JSON.parse(answer.out) as Record<string, unknown>[] }
}

beforeAll(() => {
  writeTrades('odd', [
    [0, Number.NaN, 1, 1n],
    [1, -0.5, 2, HUGE],
    [2, 3, Number.POSITIVE_INFINITY, 2n],
    [3, -37.63, 4, 2n ** 63n],
    [61, Number.NEGATIVE_INFINITY, 1, 3n],
  ])
  writeBook('negative', -2048n)
})

describe('values that are no numbers', () => {
  it('are left out of bars, wherever in the bar they come', async () => {
    const { code, rows } = await run('bars', 'bars', '--symbols', 'odd')
    expect(code).toBe(0)
    const [first, second] = rows
    // 2 at -0.5 and 4 at -37.63: (-1 - 150.52) / 6
    expect(first).toMatchObject({ open: -0.5, high: -0.5, low: -37.63, close: -37.63, volume: 6, count: 2, buy_volume: 6 })
    expect(first!.vwap).toBeCloseTo(-151.52 / 6, 12)
    expect(second).toMatchObject({ open: null, high: null, low: null, close: null, volume: 0, vwap: null, count: 0 })
  })

  it('are counted once each, however many columns and tables there are', () => {
    const table = { columns: resolveColumns('bar'), target: (specs: readonly ColumnSpec[]) => new MemoryRows(specs) }
    const engine = new FeatureEngine({ trigger: { every: '1m' }, tables: [table, table] })
    const priceOf = [Number.NaN, 5, Number.POSITIVE_INFINITY, 4]
    engine.write(batchOf(priceOf.map((price, i) => tradeMessage(BigInt(i), START_NS + BigInt(i), { price, quantity: 1 }))))
    engine.finish()
    expect(engine.stats).toMatchObject({ trades: 4, unusable: { 'not-a-number': 2 }, skipped: {}, notRepresentable: {} })
  })

  it('are NULL in the rows of trades', async () => {
    const { rows } = await run('trades', 'trades', '--symbols', 'odd')
    expect(rows.map(({ price, quantity }) => [price, quantity])).toEqual([
      [null, 1],
      [-0.5, 2],
      [3, null],
      [-37.63, 4],
      [null, 1],
    ])
  })
})

describe('ids of 2^63 and more', () => {
  it('cost no row of the built-in jobs: NULL in trades, all digits as text in an example', async () => {
    const { code, rows } = await run('trades', 'ids', '--symbols', 'odd')
    expect([code, rows.map((row) => String(row.trade_id)), rows.map((row) => String(row.seller_order_id))]).toEqual([
      0,
      ['1', 'null', '2', 'null', '3'],
      ['7', '7', '7', '7', '7'],
    ])
    const text = await run(path.resolve(import.meta.dirname, '../../examples/trades-text-ids-job.ts'), 'text-ids', '--symbols', 'odd')
    expect(text.rows.map(({ trade_id }) => trade_id)).toEqual(['1', String(HUGE), '2', String(2n ** 63n), '3'])
  })

  it('are NULL in a replayed Parquet file, too, and told once', async () => {
    const [log, file] = [path.join(archive, 'v1/x/odd/2020-04-20/trades'), path.join(root, 'odd.parquet')]
    const replayed = await runCli('replay', log, '--parquet', file, '--decode', '--json', '--quiet')
    expect([replayed.code, replayed.err]).toEqual([
      0,
      expect.stringMatching(/^noted: trade_id-beyond-i64 2, buyer_order_id-beyond-i64 2: NULL in Parquet.*--csv has all digits\n$/),
    ])
    expect(JSON.parse(replayed.out)).toMatchObject({ read: 5, noted: { 'trade_id-beyond-i64': 2, 'buyer_order_id-beyond-i64': 2 } })
    const { out } = await runCli('query', file, 'select trade_id, seller_order_id as s from t order by seq', '--format', 'csv')
    expect(out).toBe('trade_id,s\n1,7\n,7\n2,7\n,7\n3,7\n')
  })

  it('fail the partition of a job that does not expect them, with advice; --on-error skip leaves out their rows', async () => {
    const job = path.join(root, 'own.ts')
    const jobText = (name: string, create: string, more = ''): string =>
      `import { defineJob } from 'chronicle-replay'\nexport default defineJob({ name: '${name}', streams: ['trades'], columns: { id: 'i64', n: 'i32' }, ${more} create: () => (${create}) })\n`
    fs.writeFileSync(job, jobText('own', '{ trade(t, out) { out.id = t.tradeId; out.n = 1; out.emit() } }'))
    const failed = await run(job, 'own', '--symbols', 'odd')
    expect([failed.code, failed.rows]).toEqual([2, []])
    expect(failed.err).toMatch(
      /u64-range: job own: column id: expected a value of type i64, found 18446744073709551611 .*'string'.*--on-error skip/,
    )
    const skipped = await run(job, 'own', '--symbols', 'odd', '--on-error', 'skip')
    expect([skipped.code, skipped.rows.map(({ id, n }) => [String(id), n])]).toEqual([
      0,
      [
        ['1', 1],
        ['2', 1],
        ['3', 1],
      ],
    ])
    // The same in rows that a trigger makes: the row behind the lost one is not touched by it.
    const sampled = path.join(root, 'sampled.ts')
    const last = '{ let id = null; return { trade(t) { id = t.tradeId }, row(out) { out.id = id; out.n = 5 } } }'
    fs.writeFileSync(sampled, jobText('sampled', `(() => ${last})()`, "trigger: { every: '1s' },"))
    const bars = await run(sampled, 'sampled', '--symbols', 'odd', '--on-error', 'skip')
    expect(bars.rows.map(({ id, n }) => [String(id), n])).toEqual([
      ['1', 5],
      ['2', 5],
      ['3', 5],
    ])
    const nulled = path.join(root, 'nulled.ts')
    fs.writeFileSync(nulled, jobText('nulled', '{ trade(t, out) { out.id = t.tradeId; out.n = 1; out.emit() } }', "beyondRange: 'null',"))
    const { rows } = await run(nulled, 'nulled', '--symbols', 'odd')
    expect(rows.map(({ id, n }) => [String(id), n])).toEqual(['1', 'null', '2', 'null', '3'].map((id) => [id, 1]))
  })
})

describe('a book with a negative price of a signed writer', () => {
  it('is refused by name, and under skip the rows say that something is missing until its next snapshot', async () => {
    const log = path.join(archive, 'v1/x/negative/2020-04-20/book')
    const stopped = await runCli('book', log, '--json')
    expect([stopped.code, stopped.err]).toEqual([3, expect.stringMatching(/book-unrepresentable-price: .*docs\/negative-prices\.md/)])
    const { out } = await runCli('book', log, '--json', '--on-error', 'skip')
    expect(JSON.parse(out)).toMatchObject({ applied: 2, skipped: 1, skippedBy: { 'unrepresentable-price': 1 }, bids: [['100', '1']] })
    const failed = await run('book-features', 'negative', '--symbols', 'negative')
    expect([failed.code, failed.err]).toEqual([3, expect.stringMatching(/book-unrepresentable-price/)])
    const { code, rows } = await run('book-features', 'negative', '--symbols', 'negative', '--on-error', 'skip')
    expect([code, rows.map(({ bid_price, gap }) => [bid_price, gap])]).toEqual([
      0,
      [
        [1, false],
        [1, true],
        [1, false],
      ],
    ])
  })
})
