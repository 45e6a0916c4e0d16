import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { decimalText } from '../../cli/book-text.ts'
import { L3_ADD, L3_CANCEL, SIDE_BUY } from '../../core/protocol/l3-event.ts'
import { diff, l3, snapshot } from '../support/book-messages.ts'
import { makeLog } from '../support/made-log.ts'
import { temporaryDirectory } from '../support/queue-files.ts'
import { runCli } from '../support/run-cli.ts'

type Line = Record<string, unknown>

function logOf(payloads: readonly Uint8Array[], typeOf: (i: number) => number = () => 0x1000): string {
  const directory = temporaryDirectory()
  makeLog(
    directory,
    payloads.map((payload, i) => ({ seq: BigInt(i), timestampNs: BigInt(i), typeId: typeOf(i), payload })),
  )
  return directory
}

async function lines(...argv: string[]): Promise<Line[]> {
  const { code, out, err } = await runCli('book', ...argv, '--json', '--quiet')
  expect([code, err]).toEqual([0, ''])
  return out
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Line)
}

describe('book', () => {
  it('shows the market of the last book event, or the one asked for', async () => {
    const log = logOf([
      snapshot([[100, 1]], [], { marketId: 7 }),
      snapshot([[500, 2]], [], { marketId: 9, priceScale: 0 }),
      diff([[101, 3]], [], { marketId: 7 }),
      l3({ eventType: L3_ADD, side: SIDE_BUY, orderId: 1n, price: 50n, quantity: 4n, marketId: 11 }),
    ])
    const all = await lines(log, '--every', '1')
    expect(all.map(({ marketId, bids }) => [marketId, bids])).toEqual([
      [7, [['100', '1']]],
      [9, [['500', '2']]],
      [
        7,
        [
          ['101', '3'],
          ['100', '1'],
        ],
      ],
      [11, [['50', '4']]],
      [11, [['50', '4']]],
    ])
    expect(all.at(-1)).toMatchObject({ final: true, markets: 3, orders: 1 })
    const ofNine = await lines(log, '--every', '1', '--market', '9')
    expect(ofNine.map(({ marketId, bids }) => [marketId, bids])).toEqual([
      [null, []],
      [9, [['500', '2']]],
      [9, [['500', '2']]],
      [9, [['500', '2']]],
      [9, [['500', '2']]],
    ])
    const text = await runCli('book', log)
    expect(text.err).toContain('markets in this log: 7, 9, 11; choose with --market')
  })

  it('has digests where they are asked for, at the end, and in states 1,000 messages apart', async () => {
    const orders = Array.from({ length: 1000 }, (_, i) =>
      l3({ eventType: L3_ADD, side: SIDE_BUY, orderId: BigInt(i + 1), price: BigInt(i + 1), quantity: 1n }),
    )
    const log = logOf(orders)
    const digested = (line: Line | undefined) => line !== undefined && 'levelsCrc32' in line && 'bookHash' in line
    const [state, ...rest] = await lines(log, '--every', '500')
    expect([digested(state), state!.orders, digested(rest.at(-1))]).toEqual([false, 500, true])
    expect((await lines(log, '--every', '500', '--digest')).every(digested)).toBe(true)
    expect((await lines(log, '--every', '1000')).every(digested)).toBe(true)
    expect(digested((await lines(log, '--at-seq', '3'))[0])).toBe(true)
    const text = await runCli('book', log, '--every', '500')
    expect(text.out.match(/hash [0-9a-f]{32}/g)).toHaveLength(1)
    expect((await runCli('book', log, '--every', '500', '--digest')).out.match(/CRC32 [0-9a-f]{8}, .* hash [0-9a-f]{32}/g)).toHaveLength(3)
  })

  it('counts messages of all types, and has an empty book where there is none', async () => {
    const log = logOf([new Uint8Array(8), snapshot([[1, 1]], [])], (i) => (i === 0 ? 7 : 0x1000))
    const [before, after, final] = await lines(log, '--every', '1', '--digest')
    expect(before).toEqual({
      afterMessages: 1,
      seq: '0',
      marketId: null,
      bids: [],
      asks: [],
      bidLevels: 0,
      askLevels: 0,
      levelsCrc32: '00000000',
      priceScale: null,
      sizeScale: null,
    })
    expect(after).toMatchObject({ afterMessages: 2, bidLevels: 1, priceScale: 2, sizeScale: 3 })
    expect(final).toMatchObject({ applied: 1, skipped: 1, skippedBy: { 'skipped-type': 1 } })
    const none = await runCli(
      'book',
      logOf([new Uint8Array(8)], () => 7),
    )
    expect([none.code, none.err]).toEqual([0, expect.stringContaining('no book event in this log')])
  })

  it('obeys depth_limit of meta.json, and refuses a damaged one', async () => {
    const log = logOf([
      snapshot(
        [
          [100, 1],
          [99, 1],
          [98, 1],
        ],
        [],
      ),
    ])
    fs.writeFileSync(path.join(log, 'meta.json'), '{"depth_limit": 2}')
    expect((await lines(log)).at(-1)).toMatchObject({ bidLevels: 2 })
    fs.writeFileSync(path.join(log, 'meta.json'), '{"depth_limit": "two"}')
    expect(await runCli('book', log)).toMatchObject({ code: 2, out: '', err: expect.stringContaining('meta-json') })
  })

  it('an order that is not known ends with 3, or is left out', async () => {
    const log = logOf([
      l3({ eventType: L3_ADD, side: SIDE_BUY, orderId: 1n, price: 50n, quantity: 4n }),
      l3({ eventType: L3_CANCEL, orderId: 2n, quantity: 1n }),
    ])
    expect(await runCli('book', log)).toMatchObject({ code: 3, out: '', err: expect.stringContaining('book-unknown-order') })
    for (const choice of [
      ['--on-error', 'skip'],
      ['--on-gap', 'ignore'],
    ])
      expect((await lines(log, ...choice)).at(-1)).toMatchObject({ applied: 1, skippedBy: { 'unknown-order': 1 }, orders: 1 })
  })

  it('writes all digits of what is stored', async () => {
    const [final] = await lines(logOf([snapshot([[2n ** 63n, 2n ** 60n]], [])]))
    expect(final!.bids).toEqual([['9223372036854775808', '1152921504606846976']])
    expect([decimalText('8702130', 2), decimalText('5', 3), decimalText('5', 0)]).toEqual(['87021.30', '0.005', '5'])
  })

  it.each([
    [['--market', '4294967296'], '--market: expected a market_id'],
    [['--every', '0'], '--every: expected a positive integer'],
    [['--on-gap', 'skip'], '--on-gap: expected one of abort, quarantine, ignore'],
  ])('%j is refused', async (options, reason) => {
    const { code, err } = await runCli('book', logOf([snapshot([], [])]), ...options)
    expect([code, err]).toEqual([2, expect.stringContaining(reason)])
  })
})
