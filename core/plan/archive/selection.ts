import { ReplayError } from '../../errors.ts'
import type { ObjectStore } from '../../store/object-store.ts'
import { type ArchiveListing, type ListedInstrument, listArchive } from './archive-listing.ts'
import { foldersOf, type ListingSelection } from './archive-spans.ts'
import { findingText, isArchiveName } from './listing-findings.ts'
import { unknownName } from './unknown-name.ts'

type Instrument = Pick<ListedInstrument, 'venue' | 'symbol'>

/**
 * Lists the instruments that were asked for. `--symbols btcusdt` means that symbol on all venues, unless `--venues` narrows it.
 * @param inTable instruments with rows from this archive: they may be asked for when their logs are gone
 * @throws ReplayError input `name-invalid`, `venue-unknown`, `symbol-unknown`, `archive-empty`
 */
export async function listSelection(
  archive: ObjectStore,
  selection: ListingSelection,
  inTable: Iterable<Instrument> = [],
): Promise<ArchiveListing> {
  for (const venue of selection.venues ?? []) requireName('venue', venue)
  for (const symbol of selection.symbols ?? []) requireName('symbol', symbol)
  const listing = await listArchive(archive, selection)
  const isNarrowed = selection.venues !== undefined || selection.symbols !== undefined
  const instruments = isNarrowed ? [...listing.instruments, ...inTable] : listing.instruments
  await requireAll('venue', selection.venues, instruments, archive)
  await requireAll('symbol', selection.symbols, instruments, archive)
  if (listing.instruments.length === 0 && (isNarrowed ? (await namesIn(archive, 'venue')).length === 0 : true))
    throw emptyArchive(archive, listing)
  return listing
}

/** Names become parts of keys and paths, so that nothing else than a name may pass. */
function requireName(what: 'venue' | 'symbol', word: string): void {
  if (isArchiveName(word)) return
  const message = `${what}: expected the name of a folder (not empty, "." or "..", and without "/"), found ${JSON.stringify(word)}`
  throw new ReplayError('name-invalid', message, { category: 'input' })
}

async function requireAll(
  what: 'venue' | 'symbol',
  asked: readonly string[] | undefined,
  found: readonly Instrument[],
  archive: ObjectStore,
): Promise<void> {
  const missing = asked?.find((word) => !found.some((instrument) => instrument[what] === word))
  if (missing === undefined) return
  const names = await namesIn(archive, what)
  if (names.length === 0) throw emptyArchive(archive)
  // A venue that is there may well lack a symbol that another one has.
  if (names.includes(missing) && what === 'venue') return
  throw unknownName(what, missing, names, archive.uri)
}

/** Names in the archive; where its store does not tell folders, of its first keys: enough for advice. */
async function namesIn(archive: ObjectStore, what: 'venue' | 'symbol'): Promise<string[]> {
  const names = new Set<string>()
  if (archive.folders !== undefined) {
    const venues = await foldersOf(archive, ['v1/'])
    for (const folder of what === 'venue' ? venues : await foldersOf(archive, venues)) names.add(folder.split('/').at(-2)!)
    return [...names].filter(isArchiveName).sort()
  }
  let seen = 0
  for await (const { key } of archive.list('v1/')) {
    const [, venue, symbol] = key.split('/', 3)
    const name = what === 'venue' ? venue : symbol
    if (name !== undefined && isArchiveName(name)) names.add(name)
    if (++seen === ADVICE_KEYS) break
  }
  return [...names].sort()
}

const ADVICE_KEYS = 200_000

function emptyArchive(archive: ObjectStore, { others, findings }: Pick<ArchiveListing, 'others' | 'findings'> = NO_KEYS): ReplayError {
  const found = others === 0 ? 'nothing' : `${others} keys of other shapes`
  const more = findings.map((finding) => `\n${findingText(finding)}`).join('')
  return new ReplayError('archive-empty', `expected logs at v1/<venue>/<symbol>/<date>/<stream>/, found ${found}${more}`, {
    category: 'input',
    path: archive.uri,
  })
}

const NO_KEYS = { others: 0, findings: [] } as const
