import { ReplayError } from '../../errors.ts'
import { defineImporter, type FileGlance, type ImportFile, type ImportSettings, type Recognised } from '../importer.ts'
import { isDate } from '../messages/new-york-midnight.ts'
import { LobsterReader } from './lobster/reader.ts'

const FILE_NAME = /^(?<symbol>.+?)_(?<date>\d{4}-\d\d-\d\d)_(?<hours>\d+_\d+)_(?<kind>message|orderbook)_(?<levels>\d+)\b/i
const MESSAGE = /^\d{1,5}(?:\.\d{1,9})?,[1-7],-?\d{1,15},\d{1,15},-?\d{1,15},(?:1|-1|0)(?:,[^,]*)?$/
const LEVELS = /^-?\d{1,15},\d{1,15},-?\d{1,15},\d{1,15}(?:,-?\d{1,15},\d{1,15},-?\d{1,15},\d{1,15})*$/

/**
 * LOBSTER: messages of a stock and day, and the book after each of them in a file of its own. Books by level, exact at each row, or by
 * order, and trades.
 */
export const lobster = defineImporter({
  name: 'lobster',
  title: 'LOBSTER',
  recognise(file, settings) {
    const named = FILE_NAME.exec(file.name)?.groups
    const isOf = (pattern: RegExp): boolean => firstRows(file).some((row) => pattern.test(row))
    if (named === undefined) {
      if (!isOf(MESSAGE)) return null
      const message =
        'this looks like a message file of LOBSTER, but only its name says of what: call it <TICKER>_<YYYY-MM-DD>_<begin>_<end>_message_<levels>.csv, as it was'
      throw new ReplayError('import-refused', message, { category: 'input', path: file.path })
    }
    const kind = named.kind!.toLowerCase()
    return isOf(kind === 'message' ? MESSAGE : LEVELS) ? recognisedBy(file, kind, named, settings) : null
  },
  async read(files, output, settings) {
    const messages = only(files, 'messages')
    const orderbook = only(files, 'orderbook')
    if (messages === null) {
      const message = 'an orderbook file of LOBSTER has no times; import it together with its message file'
      throw new ReplayError('import-refused', message, { category: 'input', path: files[0]!.path })
    }
    const { symbol } = FILE_NAME.exec(messages.name)!.groups!
    await new LobsterReader(messages, orderbook, symbol!, dateOf(messages, settings), output).read(settings.level ?? 'l2')
  },
})

/** Without the first one where it is a header. */
function firstRows({ head }: FileGlance): string[] {
  const lines = new TextDecoder('latin1').decode(head.subarray(0, HEAD_BYTES)).split(/\r?\n/)
  return lines.slice(/^[a-z"]/i.test(lines[0]!) ? 1 : 0).slice(0, 1)
}

function recognisedBy(file: FileGlance, kind: string, named: Readonly<Record<string, string>>, settings: ImportSettings): Recognised {
  const { symbol, hours, levels } = named
  const date = dateOf(file, settings)
  const folder = file.path.slice(0, file.path.length - file.name.length)
  // Row i of one belongs to row i of the other.
  const unit = `${folder}${symbol}_${date}_${hours}_${levels}`
  const isMessages = kind === 'message'
  return {
    holds: isMessages ? 'messages' : 'orderbook',
    unit,
    order: isMessages ? '0' : '1',
    venue: 'lobster',
    symbols: [symbol!],
    dates: [date],
  }
}

/** @throws ReplayError input `import-refused` where it is none */
function dateOf({ name, path }: { readonly name: string; readonly path: string }, settings: ImportSettings): string {
  const named = FILE_NAME.exec(name)!.groups!.date!
  const date = isDate(named) ? named : settings.date
  if (date !== undefined && isDate(date)) return date
  const message = `${named} in the name is no date; give the day of the messages: --date YYYY-MM-DD, a date in New York`
  throw new ReplayError('import-refused', message, { category: 'input', path })
}

/** @throws ReplayError input `import-refused` where there are several */
function only(files: readonly ImportFile[], holds: string): ImportFile | null {
  const [first, second] = files.filter((file) => file.holds === holds)
  if (second === undefined) return first ?? null
  const message = `two files have the ${holds} of one day: this one and ${first!.path}; import one of them`
  throw new ReplayError('import-refused', message, { category: 'input', path: second.path })
}

const HEAD_BYTES = 32 << 10
