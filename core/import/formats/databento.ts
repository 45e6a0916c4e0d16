import { ReplayError } from '../../errors.ts'
import { defineImporter, type FileGlance, type Recognised } from '../importer.ts'
import { readDbnFile } from './dbn/file-reader.ts'
import { DbnInstruments, venueOfDataset } from './dbn/instruments.ts'
import { RECORD_KINDS } from './dbn/layout.ts'
import { type DbnMetadata, glanceAtMetadata, isDbn } from './dbn/metadata.ts'
import { symbolsOf } from './dbn/symbol-routes.ts'

/** Of one unit and day, the first to give a stream gives it whole: what says most comes first, and before all the definitions. */
const ORDER: readonly string[] = ['definition', 'mbo', 'mbp-10', 'mbp-1', 'cmbp-1', 'trades', 'tbbo', 'tcbbo', 'bbo-1s', 'cbbo-1s']
const FILE_NAME = /^(?<dataset>[a-z0-9-]+)-(?<from>\d{8})(?:-(?<to>\d{8}))?\.(?<schema>[a-z0-9-]+)\b.*\.dbn/
const MAX_DATES = 4000

/** DBN files of databento.com, of versions 1 to 3, historical and live. */
export const databento = defineImporter({
  name: 'databento',
  title: 'Databento DBN',
  recognise(file) {
    if (!isDbn(file.head)) {
      refuseOlder(file)
      return null
    }
    const version = file.head[3]!
    if (version < 1 || version > 3) {
      refuse(
        file,
        `expected DBN of version 1, 2 or 3, found ${version}: convert it with Databento's dbn command (--upgrade gives version 3)`,
      )
    }
    const metadata = glanceAtMetadata(file.head)
    // What is wrong with it is told by whoever reads it.
    return metadata === null ? { holds: 'damaged', unit: file.path } : recognisedBy(file, metadata)
  },
  async read(files, output, settings) {
    const instruments = new DbnInstruments(output)
    for (const [number, file] of files.entries()) await readDbnFile(file, number, output, instruments, settings)
    instruments.tell()
  },
})

function recognisedBy({ name, path }: FileGlance, metadata: DbnMetadata): Recognised {
  const holds = metadata.schema ?? 'mixed'
  const venue = venueOfDataset(metadata.dataset)
  const order = String(ORDER.indexOf(holds) < 0 ? ORDER.length : ORDER.indexOf(holds)).padStart(2, '0')
  const span = spanOf(name, metadata)
  const symbols = symbolsOf(metadata)
  return {
    holds,
    venue,
    order,
    unit: span === null ? path : `${venue} ${span.join(' ')}`,
    ...(span !== null && datesOf(span)),
    ...(symbols.length > 0 && { symbols }),
  }
}

/** First and last day; null: not known, as in live files. */
function spanOf(name: string, { startNs, endNs }: DbnMetadata): readonly [string, string] | null {
  const found = FILE_NAME.exec(name)?.groups
  if (found !== undefined && found.to === undefined) return [dashed(found.from!), dashed(found.from!)]
  if (endNs === null || endNs <= startNs) return null
  return [dateOf(startNs), dateOf(endNs - 1n)]
}

/** Nothing where they are very many. */
function datesOf([first, last]: readonly [string, string]): { dates?: string[] } {
  const [from, days] = [Date.parse(first), (Date.parse(last) - Date.parse(first)) / DAY_MS + 1]
  if (!(days <= MAX_DATES)) return {}
  return { dates: Array.from({ length: days }, (_, day) => new Date(from + day * DAY_MS).toISOString().slice(0, 10)) }
}

function dateOf(ns: bigint): string {
  return new Date(Number(ns / 1_000_000n)).toISOString().slice(0, 10)
}

function dashed(date: string): string {
  return `${date.slice(0, 4)}-${date.slice(4, 6)}-${date.slice(6)}`
}

/** Files of Databento that begin with a record: a fragment, or the format before DBN, of which decompressing leaves the records. */
function refuseOlder(file: FileGlance): void {
  const isFragment = /\.frag(?:\.zst)?$/i.test(file.name)
  const isDbz = /\.dbz$/i.test(file.name)
  if (!beginsWithRecords(file)) return
  const dbz = "this is a DBZ file, the format before DBN: convert it with Databento's dbn command (dbn FILE.dbz -o FILE.dbn.zst)"
  const fragment = 'this is a fragment of a DBN file, without the metadata that says its version and symbols: take the whole file'
  if (isDbz) refuse(file, dbz)
  if (isFragment) refuse(file, fragment)
  refuse(file, 'these are records of DBN without the metadata that says their version and symbols: take a whole .dbn or .dbn.zst file')
}

function beginsWithRecords({ head, isWhole }: FileGlance): boolean {
  let at = 0
  while (at + 2 <= head.length) {
    const bytes = 4 * head[at]!
    const kind = RECORD_KINDS.get(head[at + 1]!)
    if (kind === undefined || !kind.bytes.some((known) => bytes === known || bytes === known + 8)) return false
    at += bytes
  }
  return head.length > 0 && 4 * head[0]! <= head.length && (!isWhole || at >= head.length)
}

function refuse({ path }: FileGlance, message: string): never {
  throw new ReplayError('import-refused', message, { category: 'input', path })
}

const DAY_MS = 86_400_000
