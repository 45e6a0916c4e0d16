import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { expect, it } from 'vitest'
import { itch } from '../../core/import/formats/itch.ts'
import type { MessageCursor } from '../../core/message/message.ts'
import { L3_ADD, L3_CANCEL, L3EventView, SIDE_BUY } from '../../core/protocol/l3-event.ts'
import { TradeView } from '../../core/protocol/trade.ts'
import { describeGolden, goldenPath } from '../golden-data.ts'
import { eachMessage, type Imported, importInto } from '../support/imported.ts'
import { lockedPython } from '../support/locked-python.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('interop-itch')
const python = lockedPython('a parser of ITCH', path.join(import.meta.dirname, 'itch-requirements.txt'))
const DAY = 'captures/itch/01152026.NASDAQ_ITCH50.gz'
/** Five hours behind UTC. */
const MIDNIGHT_NS = BigInt(Date.parse('2026-01-15T05:00:00Z')) * 1_000_000n

interface Lines {
  readonly stock: string
  readonly l3: readonly string[]
  readonly trades: readonly string[]
}

describeGolden('ITCH 5.0, beside another parser', () => {
  it.skipIf(python === null)(
    'a day has the same order events and trades, message by message',
    async () => {
      const plain = path.join(root, 'day')
      fs.writeFileSync(plain, zlib.gunzipSync(fs.readFileSync(goldenPath(DAY))))
      const { stdout, stderr, status } = spawnSync(python!, [path.join(import.meta.dirname, 'read_itch.py'), plain], {
        encoding: 'utf8',
        maxBuffer: 2 ** 28,
      })
      expect([status, stderr]).toEqual([0, ''])
      const theirs = stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Lines)
      expect(theirs.reduce((sum, { l3, trades }) => sum + l3.length + trades.length, 0)).toBeGreaterThan(190_000)
      const made = await importInto(path.join(root, 'archive'), itch, [goldenPath(DAY)])
      for (const { stock, l3, trades } of theirs) {
        expect(await linesOf(made, stock, 'l3', eventLine())).toEqual(l3)
        expect(await linesOf(made, stock, 'trades', tradeLine())).toEqual(trades)
      }
    },
    120_000,
  )
})

async function linesOf(made: Imported, stock: string, stream: string, line: (message: MessageCursor) => string): Promise<string[]> {
  const lines: string[] = []
  await eachMessage(made, stock, stream, (message) => lines.push(line(message)))
  return lines
}

/** As read_itch.py has them: prices in 1/10,000 dollars, times since New York's midnight. */
function eventLine(): (message: MessageCursor) => string {
  const view = new L3EventView()
  return (message) => {
    const { header, eventType, orderId, side, price, quantity, bidOrderId, askOrderId } = view.wrapMessage(message)
    const place = [header.nativeSeq, header.exchangeTsNs - MIDNIGHT_NS]
    if (eventType === L3_ADD) return [...place, 'add', orderId, side === SIDE_BUY ? 'B' : 'S', price, quantity].join(',')
    if (eventType === L3_CANCEL) return [...place, 'cancel', orderId, quantity].join(',')
    return [...place, 'trade', bidOrderId, askOrderId, price, quantity].join(',')
  }
}

function tradeLine(): (message: MessageCursor) => string {
  const view = new TradeView()
  return (message) => {
    const { timestampNs, price, quantity, tradeId, buyerOrderId, sellerOrderId, isBuyerMaker } = view.wrapMessage(message)
    const own = [timestampNs - MIDNIGHT_NS, Math.round(price * 10_000), quantity, tradeId, buyerOrderId, sellerOrderId]
    return [...own, Number(isBuyerMaker)].join(',')
  }
}
