import { randomOf } from '../simulation/random.ts'

const BLOCK_ROWS = 4096
/** 2024-06-10T00:00:00Z in milliseconds. */
const BEGIN_MS = 1_717_977_600_000
const SNAPSHOT_LEVELS = 1000

/**
 * A recording of hftbacktest's collector, of Binance's USD-M futures: of ten lines seven are best prices, two trades, and one is a
 * diff, which has more bytes than all others; a snapshot after the first diffs.
 */
export function* madeRecording(rows: number): Generator<Uint8Array> {
  const random = randomOf(4)
  const lines: string[] = []
  let millis = BEGIN_MS
  let id = 5_123_107_832_006
  const level = (isAsk: boolean): string => {
    const price = (618_000 + (isAsk ? 1 : -1) * Math.floor(random() ** 3 * 1000)) / 10
    return `["${price.toFixed(2)}","${random() < 0.2 ? '0.000' : (random() ** 4 * 20).toFixed(3)}"]`
  }
  const levels = (count: number, isAsk: boolean): string => `[${Array.from({ length: count }, () => level(isAsk)).join(',')}]`
  const diff = (): string => {
    const [first, previous] = [id + 1, id]
    id += 1 + Math.floor(random() * 4000)
    const sides = `"b":${levels(5 + Math.floor(random() * 50), false)},"a":${levels(5 + Math.floor(random() * 50), true)}`
    const ids = `"U":${first},"u":${id},"pu":${previous}`
    return `{"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":${millis},"T":${millis},"s":"BTCUSDT",${ids},${sides}}}`
  }
  for (let row = 0; row < rows; row++) {
    millis += Math.floor(random() * 8)
    const kind = random()
    let message: string
    if (row === 20) {
      const sides = `"bids":${levels(SNAPSHOT_LEVELS, false)},"asks":${levels(SNAPSHOT_LEVELS, true)}`
      message = `{"lastUpdateId":${id},"E":${millis},"T":${millis},${sides}}`
    } else if (row < 20 || kind < 0.1) message = diff()
    else if (kind < 0.3) {
      const price = `"p":"${(61_800 + random()).toFixed(2)}","q":"${(random() * 3).toFixed(3)}"`
      const data = `{"e":"trade","E":${millis},"T":${millis},"s":"BTCUSDT","t":${5_266_583_935 + row},${price},"X":"MARKET","m":${kind < 0.2}}`
      message = `{"stream":"btcusdt@trade","data":${data}}`
    } else {
      const prices = `"b":"61800.20","B":"${(random() * 9).toFixed(3)}","a":"61800.30","A":"${(random() * 9).toFixed(3)}"`
      const data = `{"e":"bookTicker","u":${id},"s":"BTCUSDT",${prices},"T":${millis},"E":${millis}}`
      message = `{"stream":"btcusdt@bookTicker","data":${data}}`
    }
    lines.push(`${millis}${String(100_000 + (row % 900_000)).padStart(6, '0')} ${message}`)
    if (lines.length === BLOCK_ROWS) yield takeLines(lines)
  }
  yield takeLines(lines)
}

function takeLines(lines: string[]): Uint8Array {
  const text = lines.length === 0 ? '' : `${lines.join('\n')}\n`
  lines.length = 0
  return Buffer.from(text, 'latin1')
}
