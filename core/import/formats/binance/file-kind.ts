/** What a file of Binance's public data holds. */
export type BinanceType = 'trades' | 'aggTrades' | 'bookTicker' | 'depth snapshots' | 'depth updates'

/** What the first line of a file tells. */
export interface BinanceKind {
  readonly type: BinanceType
  readonly hasHeader: boolean
  readonly columns: number
  /** `spot` and `cm` where the columns tell; else the symbol does. */
  readonly market: 'spot' | 'cm' | 'futures'
}

/** Headers, in lower case without `_`: what Binance calls the columns has changed. */
const HEADERS: readonly (readonly [RegExp, BinanceType, BinanceKind['market']])[] = [
  [/^(?:trade)?id,price,qty,quoteqty,time,isbuyermaker$/, 'trades', 'futures'],
  [/^(?:trade)?id,price,qty,baseqty,time,isbuyermaker$/, 'trades', 'cm'],
  [/^(?:trade)?id,price,qty,quoteqty,time,isbuyermaker,isbestmatch$/, 'trades', 'spot'],
  [/^aggtradeid,price,(?:quantity|qty),firsttradeid,lasttradeid,(?:transacttime|time|timestamp),isbuyermaker$/, 'aggTrades', 'futures'],
  [
    /^aggtradeid,price,(?:quantity|qty),firsttradeid,lasttradeid,(?:transacttime|time|timestamp),isbuyermaker,isbestmatch$/,
    'aggTrades',
    'spot',
  ],
  [/^updateid,bestbidprice,bestbidqty,bestaskprice,bestaskqty,transactiontime,eventtime$/, 'bookTicker', 'futures'],
]
const DEPTH_HEADER = /^symbol,timestamp,(?:transid,)?firstupdateid,lastupdateid,side,updatetype,price,qty(?:,pu)?$/

const NUMBER = '-?\\d+(?:\\.\\d*)?(?:[eE][+-]?\\d+)?'
const TIME = '(?:\\d{13}|\\d{16})'
const BOOL = '(?:[Tt]rue|[Ff]alse|TRUE|FALSE)'
const ROWS: readonly (readonly [RegExp, BinanceType, BinanceKind['market']])[] = [
  [new RegExp(`^\\d+,${NUMBER},${NUMBER},${NUMBER},${TIME},${BOOL}$`), 'trades', 'futures'],
  [new RegExp(`^\\d+,${NUMBER},${NUMBER},${NUMBER},${TIME},${BOOL},${BOOL}$`), 'trades', 'spot'],
  [new RegExp(`^\\d+,${NUMBER},${NUMBER},-?\\d+,-?\\d+,${TIME},${BOOL}$`), 'aggTrades', 'futures'],
  [new RegExp(`^\\d+,${NUMBER},${NUMBER},-?\\d+,-?\\d+,${TIME},${BOOL},${BOOL}$`), 'aggTrades', 'spot'],
  [new RegExp(`^\\d+,${NUMBER},${NUMBER},${NUMBER},${NUMBER},${TIME},${TIME}$`), 'bookTicker', 'futures'],
]
const DEPTH_ROW = /^[^,]+,\d{13},(?:-?\d+,){2,3}[ab],(?:snap|set),/

/** What Binance publishes that no message holds, by the begin of its header or row. */
const OTHERS: readonly (readonly [RegExp, string])[] = [
  [/^(?:timestamp,percentage,depth,notional|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,-?\d(?:\.\d+)?,[\d.]+,[\d.]+$)/, 'bookDepth'],
  [/^(?:opentime,open,high,low,close,|(?:\d{13}|\d{16}),(?:-?[\d.]+,){5}(?:\d{13}|\d{16}),)/, 'klines'],
  [/^createtime,symbol,sumopeninterest/, 'metrics'],
  [/^calctime,fundingintervalhours/, 'fundingRate'],
  [/^(?:symbol,)?time,side,ordertype,timeinforce/, 'liquidationSnapshot'],
  [/^date,hour,symbol,underlying/, 'EOHSummary'],
  [/^calctime,symbol,baseasset/, 'BVOLIndex'],
]

/** Null: the line is not of Binance. @param line without its end @param secondLine tells what a header of depth is of */
export function kindOf(line: string, secondLine: string): BinanceKind | null {
  const columns = line.split(',').length
  const header = line.toLowerCase().replaceAll(/[_ ]/g, '')
  for (const [pattern, type, market] of HEADERS) if (pattern.test(header)) return { type, hasHeader: true, columns, market }
  for (const [pattern, type, market] of ROWS) if (pattern.test(line)) return { type, hasHeader: false, columns, market }
  const hasHeader = DEPTH_HEADER.test(header)
  const row = hasHeader ? secondLine : line
  if (!DEPTH_ROW.test(row)) return null
  return { type: /,snap,/.test(row) ? 'depth snapshots' : 'depth updates', hasHeader, columns, market: 'futures' }
}

/** The name of a type of Binance that cannot be imported, told by a line of its file; null: it is none. */
export function otherType(line: string): string | null {
  const header = line.toLowerCase().replaceAll('_', '')
  return OTHERS.find(([pattern]) => pattern.test(header))?.[1] ?? null
}

/** `BTCUSD_PERP-aggTrades-2024-08-08`, or a month. */
const FILE_NAME =
  /^(?<symbol>[^-/]+)-(?<type>trades|aggTrades|bookTicker)-(?<date>\d{4}-(?:0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01]))?)(?!\d)/

/** What a file's name says; null: it is not Binance's. */
export function namedBy(name: string): { readonly symbol: string; readonly dates: readonly string[] } | null {
  const found = FILE_NAME.exec(name)?.groups
  return found === undefined ? null : { symbol: found.symbol!, dates: datesOf(found.date!) }
}

/** A day, or all days of a month. */
function datesOf(date: string): string[] {
  if (date.length === 10) return [date]
  const [year, month] = date.split('-').map(Number) as [number, number]
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate()
  return Array.from({ length: days }, (_, day) => `${date}-${String(day + 1).padStart(2, '0')}`)
}

/** `BTCUSD_PERP`, `ETHUSD_240927`: contracts that are margined in coins. `BTCUSDT_240927` is none. */
const COIN_MARGINED = /USD_(?:PERP|\d{6})$/i

/** The venue of a symbol's market. */
export function binanceVenue(market: BinanceKind['market'], symbol: string): string {
  if (market === 'spot') return 'binance-spot'
  return market === 'cm' || COIN_MARGINED.test(symbol) ? 'binance-coinm' : 'binance-usdm'
}
