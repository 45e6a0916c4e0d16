import fs from 'node:fs'
import { expect, it } from 'vitest'
import { describeGolden, goldenJson, goldenPath } from '../golden-data.ts'
import { runCli } from '../support/run-cli.ts'

/** A line of `book --json`. */
type Line = Record<string, unknown> & { readonly bids: string[][]; readonly asks: string[][] }

interface PeerBook {
  after_messages: number
  seq: string
  bid_levels: number
  ask_levels: number
  bids: string[][]
  asks: string[][]
  levels_crc32: string
  price_scale?: number
  size_scale?: number
  scales?: number[]
  orders?: number
  book_hash?: string
}
interface PeerReplay {
  applied: number
  messages: number
  checkpoints: PeerBook[]
  final: PeerBook
  policy: string
}

async function lines(...argv: string[]): Promise<Line[]> {
  const { code, out, err } = await runCli('book', ...argv, '--json')
  expect([code, err]).toEqual([0, ''])
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

/** What a golden book of the peer looks like as a line. */
function lineOf(golden: PeerBook): Record<string, unknown> {
  const pairs = (levels: string[][]) => levels.slice(0, 10).map((level) => level.slice(0, 2))
  const [priceScale, sizeScale] = golden.scales ?? [golden.price_scale, golden.size_scale]
  const l3 = golden.book_hash === undefined ? {} : { orders: golden.orders, bookHash: golden.book_hash }
  const { bid_levels: bidLevels, ask_levels: askLevels, levels_crc32: levelsCrc32 } = golden
  return { bids: pairs(golden.bids), asks: pairs(golden.asks), bidLevels, askLevels, levelsCrc32, priceScale, sizeScale, ...l3 }
}

function expectPeer(found: readonly Line[], golden: PeerReplay): Line {
  const final = found.at(-1)!
  expect(found.slice(0, -1)).toEqual(
    golden.checkpoints.map((each) => expect.objectContaining({ ...lineOf(each), afterMessages: each.after_messages, seq: each.seq })),
  )
  expect(final).toMatchObject({ final: true, afterMessages: golden.messages, ...lineOf(golden.final) })
  return final
}

const TRADES = 'chronicle-rs/trades-8sym/streams/clean/binance-perp'

describeGolden('book: checkpoints of chronicle-rs', () => {
  it('l2-btc, with the Reset that the peer skips', async () => {
    const { l2 } = goldenJson<{ l2: PeerReplay }>('chronicle-rs/l2-btc/expected.json')
    const final = expectPeer(await lines(goldenPath('chronicle-rs/l2-btc/queue'), '--every', '10000'), l2)
    expect(final).toMatchObject({ applied: l2.applied + 1, skipped: l2.messages - l2.applied - 1, skippedBy: { heartbeat: 24 }, gaps: [] })
  })

  it.each(['ada', 'sol', 'xrp'])('trades-8sym %s: all types of message are counted', async (symbol) => {
    const { l2 } = goldenJson<{ l2: PeerReplay }>(`chronicle-rs/trades-8sym/expected.${symbol}-usdt.json`)
    const every = String(l2.checkpoints[0]!.after_messages)
    const final = expectPeer(await lines(goldenPath(TRADES, `${symbol}-usdt/mixed/queue`), '--every', every), l2)
    expect(final).toMatchObject({ applied: l2.applied, skipped: l2.messages - l2.applied, gaps: [] })
  })

  it('l3-sym: orders and book hashes', async () => {
    const { l3 } = goldenJson<{ l3: PeerReplay }>('chronicle-rs/l3-sym/expected.json')
    expectPeer(await lines(goldenPath('chronicle-rs/l3-sym/queue'), '--every', '10000'), l3)
  })

  it('--at-seq: the state behind that message, and no further; --depth', async () => {
    const { l2 } = goldenJson<{ l2: PeerReplay }>('chronicle-rs/l2-btc/expected.json')
    const golden = l2.checkpoints[3]!
    const [state, final, ...rest] = await lines(goldenPath('chronicle-rs/l2-btc/queue'), '--at-seq', golden.seq, '--depth', '3')
    const { bids, asks, ...digest } = lineOf(golden) as unknown as Line
    expect(state).toMatchObject({ afterMessages: golden.after_messages, seq: golden.seq, ...digest })
    expect([state!.bids, state!.asks]).toEqual([bids.slice(0, 3), asks.slice(0, 3)])
    expect(final).toMatchObject({ final: true, afterMessages: golden.after_messages, ...digest })
    expect(rest).toEqual([])
    const missing = await runCli('book', goldenPath('chronicle-rs/l2-btc/queue'), '--at-seq', '100000', '--json')
    expect(missing.code).toBe(2)
    expect(JSON.parse(missing.out)).toMatchObject({ error: { code: 'seq-missing', category: 'input', exitCode: 2 } })
    expect(missing.err).toContain('seq-missing')
  })
})

describeGolden('book: gaps', () => {
  for (const [queue, expected] of [
    ['queue', 'expected.json'],
    ['queue-restart', 'expected-restart.json'],
  ] as const) {
    it(`l2-gaps/${queue}, ignored: every injected one is listed, and the books are the peer's`, async () => {
      const { injected } = goldenJson<{ injected: { kind: string; record_index: number; missing?: number }[] }>(
        `chronicle-rs/l2-gaps/${queue}.gen.json`,
      )
      const { l2_by_policy } = goldenJson<{ l2_by_policy: PeerReplay[] }>('chronicle-rs/l2-gaps', expected)
      const found = await lines(goldenPath('chronicle-rs/l2-gaps', queue), '--every', '1000', '--on-gap', 'ignore')
      const { gaps } = expectPeer(found, l2_by_policy.find(({ policy }) => policy === 'Ignore')!)
      const known = injected.filter(({ kind }) => kind !== 'writer_restart')
      expect(gaps).toEqual(
        known.map(({ kind, record_index: index, missing }) =>
          expect.objectContaining({ kind, index, ...(missing !== undefined && { missing: String(missing) }) }),
        ),
      )
    })
  }

  it('abort, the default, ends with exit code 3; quarantine goes on and says so', async () => {
    const log = goldenPath('chronicle-rs/l2-gaps/queue')
    const aborted = await runCli('book', log, '--json')
    expect(aborted.code).toBe(3)
    expect(JSON.parse(aborted.out)).toMatchObject({
      error: { code: 'sequence-gap', category: 'corrupt', exitCode: 3, segment: 0, seq: '45' },
    })
    expect(aborted.err).toContain('update_id_gap: expected 1000151, found 1000178, 27 missing')
    const final = (await lines(log, '--on-gap', 'quarantine')).at(-1)
    expect(final).toMatchObject({ applied: 45, skipped: 9955, skippedBy: { quarantined: 9955 }, quarantined: true })
    const text = await runCli('book', log, '--on-gap', 'quarantine', '--depth', '1')
    expect(text.out).toContain('update_id_gap × 66, first: expected 1000151, found 1000178 (segment 0, offset 14528, seq 45)')
  })
})

interface RealBook {
  path: string
  records: number
  market_id: number
  book: {
    price_scale: number
    size_scale: number
    checkpoints: (Record<'index' | 'bid_levels' | 'ask_levels' | 'orders', number> & {
      bids: number[][]
      asks: number[][]
      levels_crc32: string
      book_hash?: string
    })[]
    final: { levels_crc32: string; book_hash?: string }
  }
}

describeGolden('book: real archives, with nothing but the path', () => {
  const names = fs.readdirSync(goldenPath('archive-real/expected')).filter((each) => /\.(book|l3)\.json$/.test(each))
  it.each(names)('%s', async (name) => {
    const { path, records, market_id: marketId, book } = goldenJson<RealBook>('archive-real/expected', name)
    const every = book.checkpoints[1]!.index - book.checkpoints[0]!.index
    // Checkpoints count from record 0, `--every` from message 1: they meet where the state is asked for by sequence.
    const sequences = [book.checkpoints[1]!, book.checkpoints.at(-2)!, book.checkpoints.at(-1)!]
    for (const { index, bids, asks, levels_crc32, book_hash, orders, bid_levels, ask_levels } of sequences) {
      const [state] = await lines(goldenPath('archive-real', path), '--at-seq', String(index))
      const pairs = (levels: number[][]) => levels.map((level) => level.slice(0, 2).map(String))
      expect(state).toEqual({
        afterMessages: index + 1,
        seq: String(index),
        marketId,
        bids: pairs(bids),
        asks: pairs(asks),
        bidLevels: bid_levels,
        askLevels: ask_levels,
        levelsCrc32: levels_crc32,
        ...(book_hash !== undefined && { orders, bookHash: book_hash }),
        priceScale: book.price_scale,
        sizeScale: book.size_scale,
      })
    }
    const found = await lines(goldenPath('archive-real', path), '--every', String(every))
    expect(found).toHaveLength(Math.floor(records / every) + 1)
    const { levels_crc32: levelsCrc32, book_hash: bookHash } = book.final
    const expected = { final: true, gaps: [], skipped: 0, levelsCrc32, ...(bookHash !== undefined && { bookHash }) }
    expect(found.at(-1)).toMatchObject(expected)
  })

  it('is a ladder for people', async () => {
    const { path } = goldenJson<RealBook>('archive-real/expected/kraken.eth-chf.book.json')
    const { code, out, err } = await runCli('book', goldenPath('archive-real', path), '--depth', '2')
    expect(code).toBe(0)
    expect(out).toMatch(
      /^at the end: 318 messages, sequence 317, market \d+\n +bid size +bid \| +ask +ask size\n( +\d+\.\d{8} +\d+\.\d{5} \| +\d+\.\d{5} +\d+\.\d{8}\n){2}/,
    )
    expect(err).toMatch(/next: chronicle-replay snapshot/)
    const archive = await runCli('book', goldenPath('archive-real/v1'))
    expect([archive.code, archive.err]).toEqual([
      2,
      expect.stringContaining('a book needs one log, not an archive; e.g. chronicle-replay book '),
    ])
  })
})
