import { ReplayError } from '../../../errors.ts'
import type { FileGlance, Recognised } from '../../importer.ts'
import { isOfBinance, marketOfMessages } from './binance-market.ts'
import { headLines } from './head-lines.ts'

/** `<EXCHANGE>.ws.<n>.<k>`, `<EXCHANGE>.http.<n>.<k>`, `<EXCHANGE>.<k>` and, older, `<EXCHANGE>-<hex>.<k>`. */
const FILE_NAME =
  /^(?<exchange>[A-Z][A-Z0-9_]*)(?<connection>\.ws\.\d+|(?:\.http\.\d+)+|-[0-9a-f]{8,}|)\.(?<part>\d+)(?:\.(?:gz|zst|zip))?$/
const CONNECT = /^(?<url>wss?:\/\/\S+) <-> \d+(?:\.\d+)?$/
const SENT = /^(?<url>\S+:\/\/\S+) <- \d+(?:\.\d+)?: /
const FETCHED = /^(?<url>https?:\/\/\S+) -> \d+(?:\.\d+)?: /
const CONFIGURATION = /^configuration: \{/
const MESSAGE = /^\d{9,10}\.\d{1,9}: (?<message>.+)/

/** Venues by the hosts of their interfaces. */
const HOSTS: readonly (readonly [host: RegExp, venue: string])[] = [
  [/\/\/(?:ws|api)\.kraken\.com(?![^/?]*\/v2)/, 'kraken'],
  [/\/\/(?:ws|wsaws|wspap|aws|www)\.ok(?:x|ex)\.com/, 'okx'],
  [/\/\/(?:stream|data-stream|api\d?)\.binance\.(?:com|vision)/, 'binance-spot'],
  [/\/\/(?:stream|api)\.binance\.us/, 'binance-us'],
  [/\/\/f(?:stream|api)\d?\.binance\.com/, 'binance-usdm'],
  [/\/\/d(?:stream|api)\d?\.binance\.com/, 'binance-coinm'],
]
const VENUES: Readonly<Record<string, string>> = {
  KRAKEN: 'kraken',
  OKX: 'okx',
  OKEX: 'okx',
  BINANCE: 'binance-spot',
  BINANCE_US: 'binance-us',
  BINANCE_FUTURES: 'binance-usdm',
  BINANCE_DELIVERY: 'binance-coinm',
}

/**
 * What a file of cryptofeed's raw recordings is; null: it is none.
 * @throws ReplayError input `import-refused` where it is of an exchange that is not read
 */
export function feedFile(file: FileGlance): Recognised | null {
  const { name, path } = file
  const lines = headLines(file).filter((line) => line !== '')
  if (lines.length === 0 || ![CONNECT, SENT, FETCHED, CONFIGURATION, MESSAGE].some((form) => form.test(lines[0]!))) return null
  const urls = lines.flatMap((line) => (CONNECT.exec(line) ?? SENT.exec(line) ?? FETCHED.exec(line))?.groups?.url ?? [])
  const messages = lines.flatMap((line) => MESSAGE.exec(line)?.groups?.message ?? [])
  const found = FILE_NAME.exec(name)?.groups
  // Numbers and colons are in many texts: what does not say more is one by its name alone.
  if (urls.length === 0 && found === undefined && messages.every((message) => !/^(?:[[{]|b?['"])/.test(message))) return null
  const venue = venueOf(urls, messages, found?.exchange)
  refuseOthers(venue, urls, messages, found?.exchange, path)
  const isWebsocket = messages.length > 0 || urls.some((url) => url.startsWith('ws'))
  const holds = `${venue!} ${isWebsocket ? 'messages' : 'instruments'}`
  const folder = path.slice(0, path.length - name.length)
  if (found === undefined) return { holds, unit: path, venue: venue! }
  const { exchange, connection, part } = found
  // Binance's snapshots are fetched over other connections than the diffs come from.
  const unit = venue!.startsWith('binance') ? exchange : `${exchange}${connection}`
  return { holds, unit: `${folder}${unit}`, order: `${isWebsocket ? 1 : 0}${connection} ${part!.padStart(9, '0')}`, venue: venue! }
}

function venueOf(urls: readonly string[], messages: readonly string[], exchange: string | undefined): string | null {
  for (const url of urls) {
    const found = HOSTS.find(([host]) => host.test(url))
    if (found !== undefined) return found[1]
  }
  if (urls.length > 0) return null
  const named = exchange === undefined ? null : (VENUES[exchange] ?? null)
  if (exchange !== undefined && named === null) return null
  if (messages.some((message) => /^\[\d+,.*\]$/.test(message) && /"(?:book-\d+|trade|ticker)","[^"]+"\]$/.test(message))) return 'kraken'
  if (messages.some((message) => /^\{"arg":\{"channel":/.test(message))) return 'okx'
  if (messages.some(isOfBinance)) return named ?? marketOfMessages(messages)
  return named
}

function refuseOthers(
  venue: string | null,
  urls: readonly string[],
  messages: readonly string[],
  exchange: string | undefined,
  path: string,
): void {
  const refuse = (message: string) => new ReplayError('import-refused', message, { category: 'input', path })
  if (venue === null) {
    const host = urls.map((url) => /\/\/([^/:]+)/.exec(url)?.[1]).find((each) => each !== undefined)
    const name = exchange ?? host ?? 'an exchange that its first lines do not tell'
    throw refuse(`this is a recording of ${name} by cryptofeed: those of Binance, Kraken (v1) and OKX (v5) are read`)
  }
  if (messages.some((message) => /^b?['"]/.test(message)))
    throw refuse(`the messages of this recording of ${venue} are packed, as in old recordings: only JSON messages are read`)
  if (venue === 'kraken' && messages.some((message) => /^\{"channel":"(?!heartbeat|status)/.test(message)))
    throw refuse('these are messages of version 2 of the interface of Kraken: those of version 1 are read')
  if (venue === 'okx' && messages.some((message) => message.startsWith('{"table":')))
    throw refuse('these are messages of version 3 of the interface of OKX: those of version 5 are read')
}
