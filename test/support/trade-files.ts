import fs from 'node:fs'
import path from 'node:path'

const HEADER = 'exchange,symbol,timestamp,local_timestamp,id,side,price,amount'
const DAY_US = 86_400_000_000

/** Trades of a day of March 2024 as Tardis has them; the last one arrives behind midnight, before the first of the next day's file. */
export function tradesText(symbol: string, day: number, count: number): string {
  const start = Date.parse('2024-03-01T00:00:00Z') * 1000 + day * DAY_US
  const rows = Array.from({ length: count }, (_, i) => {
    const at = start + 1_000_000 + Math.floor(((DAY_US - 500_000) / (count - 1)) * i)
    const side = i % 3 === 0 ? 'sell' : 'buy'
    return `binance-futures,${symbol},${at - 900_000},${at},${day * count + i},${side},${60_000 + ((i * 7919) % 1000) / 10},${(i % 97) / 1000}`
  })
  return `${HEADER}\n${rows.join('\n')}\n`
}

/** Writes them into a folder, and gives the path. */
export function writeTrades(folder: string, symbol: string, day: number, count: number): string {
  fs.mkdirSync(folder, { recursive: true })
  const file = path.join(folder, `binance-futures_trades_2024-03-0${day + 1}_${symbol}.csv`)
  fs.writeFileSync(file, tradesText(symbol, day, count))
  return file
}
