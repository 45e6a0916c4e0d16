import { randomOf } from '../simulation/random.ts'

const BLOCK_ROWS = 8192
/** 2024-06-10T00:00:00Z in microseconds. */
const BEGIN_MICROS = 1_717_977_600_000_000
const SNAPSHOT_LEVELS = 1000

/** A day of Tardis' incremental_book_L2: a snapshot of a thousand levels a side, then messages of eight rows or so. */
export function* madeLevels(rows: number): Generator<Uint8Array> {
  const random = randomOf(2)
  const lines = ['exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount']
  let micros = BEGIN_MICROS
  for (let row = 0; row < rows; row++) {
    const isSnapshot = row < 2 * SNAPSHOT_LEVELS
    if (!isSnapshot && random() < 0.125) micros += 1 + Math.floor(random() * 10_000)
    const isAsk = random() < 0.5
    const ticks = isSnapshot ? row >> 1 : Math.floor(random() ** 3 * SNAPSHOT_LEVELS)
    const price = String((618_000 + (isAsk ? ticks : -1 - ticks)) / 10)
    const amount = !isSnapshot && random() < 0.3 ? '0' : String(Math.floor(random() ** 4 * 20_000 + 1) / 1000)
    lines.push(`binance,BTCUSDT,${micros - 3000},${micros},${isSnapshot},${isAsk ? 'ask' : 'bid'},${price},${amount}`)
    if (lines.length >= BLOCK_ROWS) yield takeLines(lines)
  }
  yield takeLines(lines)
}

/** A day of Tardis' trades. */
export function* madeTrades(rows: number, symbol: string): Generator<Uint8Array> {
  const random = randomOf(3)
  const lines = ['exchange,symbol,timestamp,local_timestamp,id,side,price,amount']
  let micros = BEGIN_MICROS
  for (let row = 0; row < rows; row++) {
    micros += Math.floor(random() * 5000)
    const price = (618_000 + Math.floor(random() * 100)) / 10
    const amount = Math.floor(random() ** 4 * 20_000 + 1) / 1000
    const side = random() < 0.5 ? 'buy' : 'sell'
    lines.push(`binance,${symbol},${micros - 3000},${micros},${5_266_583_935 + row},${side},${price},${amount}`)
    if (lines.length >= BLOCK_ROWS) yield takeLines(lines)
  }
  yield takeLines(lines)
}

function takeLines(lines: string[]): Uint8Array {
  const text = lines.join('\n')
  lines.length = 0
  return Buffer.from(`${text}\n`, 'latin1')
}
