import { inTurns } from '../../in-turns.ts'
import type { KeyStretch, ObjectStore } from '../../store/object-store.ts'

/** Narrows a listing; absent = all. */
export interface ListingSelection {
  readonly venues?: readonly string[] | undefined
  readonly symbols?: readonly string[] | undefined
}

/** Keys of an archive that are listed by themselves: those below a prefix, or a stretch of them. */
export interface ArchiveSpan {
  readonly prefix: string
  readonly stretch?: KeyStretch | undefined
}

/**
 * Spans in ascending order that cover a selection, without a key in two of them. Where a store lists page by page, they hold some symbols each: names
 * of symbols are only where they are cut, so that what appears in the archive meanwhile, or lies beside its folders, is in one of them, too.
 */
export async function spansOf(archive: ObjectStore, { venues, symbols }: ListingSelection): Promise<ArchiveSpan[]> {
  if (symbols !== undefined && (venues !== undefined || archive.folders !== undefined)) {
    const roots = venues?.map((venue) => `v1/${venue}/`) ?? (await foldersOf(archive, ['v1/']))
    return spansBelow(roots.flatMap((root) => symbols.map((symbol) => `${root}${symbol}/`)))
  }
  const prefixes = venues?.map((venue) => `v1/${venue}/`) ?? ['v1/']
  if (archive.folders === undefined) return spansBelow(prefixes)
  const cuts = await foldersOf(archive, venues === undefined ? await foldersOf(archive, ['v1/']) : prefixes)
  return spansBelow(prefixes).flatMap(({ prefix }) => {
    const names = cuts.filter((cut) => cut.startsWith(prefix) && isAscii(cut)).sort()
    const size = Math.ceil(names.length / SPANS)
    // Without the first one: before it there is next to nothing.
    const ends = names.filter((_, i) => i > 0 && i % size === 0)
    return [...ends, null].map((upTo, i) => ({ prefix, stretch: { after: i === 0 ? null : ends[i - 1]!, upTo } }))
  })
}

/** Of an archive; more than are listed at once, as some hold more than others. */
const SPANS = 512
const VENUES_AT_ONCE = 16

function spansBelow(prefixes: readonly string[]): ArchiveSpan[] {
  return [...new Set(prefixes)].sort().map((prefix) => ({ prefix }))
}

/** Folders directly below prefixes, of a store that has `folders`. */
export async function foldersOf(archive: ObjectStore, prefixes: readonly string[]): Promise<string[]> {
  return (await inTurns(prefixes, VENUES_AT_ONCE, (prefix) => Array.fromAsync(archive.folders!(prefix)))).flat()
}

function isAscii(text: string): boolean {
  return /^[\x20-\x7e]*$/.test(text)
}
