import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { ReplayError } from '../errors.ts'
import { nearest } from '../nearest-word.ts'
import { IMPORTERS } from './builtin-importers.ts'
import { glanceAt } from './files/glance.ts'
import type { FileGlance, Importer, ImportSettings, Recognised } from './importer.ts'
import type { FileReference, SourceFile } from './source-files.ts'

/** A file that is imported, and what it is. */
export interface PlannedFile extends Recognised {
  readonly name: string
  readonly path: string
  readonly reference: FileReference
  /** As stored. */
  readonly bytes: number
  /** SHA-256 of the bytes as stored, in hex; of objects their ETag. */
  readonly digest: string
  /** The digest that a file beside it says, `<name>.CHECKSUM` as Binance has them; only of files here. */
  readonly published?: string
}

/** Files that are read together, by one task. */
export interface PlannedUnit {
  readonly importer: string
  readonly files: readonly PlannedFile[]
}

/** Files that are looked at side by side. */
const LOOKS_AT_ONCE = 16

/** A file that is not imported, and why. */
export interface LeftOutFile {
  readonly path: string
  readonly why: string
}

/** A file that could not be read, so that nobody knows what is missing. */
export interface UnreadFile {
  readonly path: string
  readonly code: string
  readonly message: string
}

export interface ImportPlan {
  readonly units: readonly PlannedUnit[]
  readonly leftOut: readonly LeftOutFile[]
  /** Of these, those that could not be read: what is of no known format is not missed. */
  readonly unread: readonly UnreadFile[]
}

/** What is told of files that were read, and are no data: a page beside them, a zip of several files. */
const OTHER_FILES: ReadonlySet<string> = new Set(['input-html', 'zip-entries'])

/** The importer of a name. @throws ReplayError input `import-format` with the nearest name */
export function importerOf(name: string, own: readonly Importer[] = []): Importer {
  const all = [...own, ...IMPORTERS]
  const found = all.find((each) => each.name === name)
  if (found !== undefined) return found
  const names = all.map((each) => each.name)
  const near = nearest(name, names)
  const hint = near === null ? '.' : `, did you mean ${near}?`
  throw new ReplayError('import-format', `no format ${JSON.stringify(name)}${hint} There are: ${names.join(', ')}`, { category: 'input' })
}

/** The format of a file by its name and first bytes; null: none. @throws ReplayError input `import-refused` */
export function recogniseFile(glance: FileGlance, settings: ImportSettings): [Importer, Recognised] | null {
  for (const importer of IMPORTERS) {
    const recognised = importer.recognise(glance, settings)
    if (recognised !== null) return [importer, recognised]
  }
  return null
}

export interface PlanImportOptions {
  /** Null: each file says what it is. */
  readonly importer: Importer | null
  readonly settings: ImportSettings
  /** A file that cannot be imported ends it, as it was named itself; else it is told. */
  readonly isStrict: boolean
}

/**
 * Looks at files, and puts together what has to be read together. Two files of the same bytes are one.
 * @throws ReplayError input `import-unknown`, `import-refused`, `input-*`; corrupt where a named file is damaged from its begin on
 */
export async function planImport(sources: readonly SourceFile[], options: PlanImportOptions): Promise<ImportPlan> {
  const units = new Map<string, { importer: string; files: PlannedFile[] }>()
  const leftOut: LeftOutFile[] = []
  const unread: UnreadFile[] = []
  const seen = new Map<string, string>()
  for (let at = 0; at < sources.length; at += LOOKS_AT_ONCE) {
    const looked = sources.slice(at, at + LOOKS_AT_ONCE).map((source) => lookAt(source, options))
    for (const look of await Promise.all(looked)) {
      const { file, path } = look
      const twin = file === null ? undefined : seen.get(file.digest)
      if (file === null || twin !== undefined) {
        leftOut.push({ path, why: twin === undefined ? look.why : `has the same bytes as ${twin}` })
        if (look.unread !== null) unread.push(look.unread)
        continue
      }
      seen.set(file.digest, path)
      const key = `${look.importer}\n${file.unit}`
      const unit = units.get(key) ?? { importer: look.importer, files: [] }
      units.set(key, unit)
      unit.files.push(file)
    }
  }
  const inOrder = (a: PlannedFile, b: PlannedFile): number =>
    compare(a.order ?? '', b.order ?? '') || compare(a.name, b.name) || compare(a.path, b.path)
  return { units: [...units.values()].map((unit) => ({ ...unit, files: unit.files.sort(inOrder) })), leftOut, unread }
}

/** What a file is; `file` null: why it is left out. */
interface FileLook {
  readonly path: string
  readonly importer: string
  readonly file: PlannedFile | null
  readonly why: string
  /** It could not be read. */
  readonly unread: UnreadFile | null
}

async function lookAt({ stored, reference }: SourceFile, { importer, settings, isStrict }: PlanImportOptions): Promise<FileLook> {
  const { path, bytes } = stored
  let isRead = false
  try {
    const glance = await glanceAt(stored)
    isRead = true
    const found = importer === null ? recogniseFile(glance, settings) : recognisedBy(importer, glance, settings)
    if (found === null) throw unknownFile(glance, importer)
    const [by, recognised] = found
    const digest = await digestOf(stored, reference)
    const published = publishedDigest(reference)
    const file = { ...recognised, name: glance.name, path, reference, bytes, digest, ...(published !== null && { published }) }
    return { path, importer: by.name, file, why: '', unread: null }
  } catch (error) {
    if (isStrict || !(error instanceof ReplayError) || error.category === 'transient' || error.category === 'bug') throw error
    const { code, message } = error
    return { path, importer: '', file: null, why: message, unread: isRead || OTHER_FILES.has(code) ? null : { path, code, message } }
  }
}

function recognisedBy(importer: Importer, glance: FileGlance, settings: ImportSettings): [Importer, Recognised] | null {
  const recognised = importer.recognise(glance, settings)
  return recognised === null ? null : [importer, recognised]
}

function unknownFile({ path, head }: FileGlance, importer: Importer | null): ReplayError {
  const begin = JSON.stringify(new TextDecoder('latin1').decode(head.subarray(0, 60)))
  const what = importer === null ? `one of ${IMPORTERS.map(({ title }) => title).join(', ')}` : importer.title
  const next =
    importer === null ? '; name the format, or map its columns: import columns --help' : '; without a format each file says what it is'
  return new ReplayError('import-unknown', `this is not ${what}: it begins with ${begin}${next}`, { category: 'input', path })
}

/** Tells a file from others; what it is called does not matter. */
async function digestOf(stored: SourceFile['stored'], reference: FileReference): Promise<string> {
  if (reference.kind === 'object') return `etag:${reference.etag}`
  const hash = createHash('sha256')
  for await (const piece of stored.pieces()) hash.update(piece)
  return hash.digest('hex')
}

function publishedDigest(reference: FileReference): string | null {
  const file = reference.kind === 'local' ? `${reference.path}.CHECKSUM` : null
  if (file === null || !fs.existsSync(file)) return null
  return /^([0-9a-f]{64})\b/i.exec(fs.readFileSync(file, 'latin1'))?.[1]?.toLowerCase() ?? null
}

/** @throws ReplayError corrupt `input-checksum` of a file that has other bytes than were published */
export function requirePublished({ files }: PlannedUnit): void {
  for (const { path, digest, published = digest } of files) {
    if (published === digest) continue
    const message = `its SHA-256 is ${digest}, but its .CHECKSUM file says ${published}: was the download cut short, or one of the two replaced since? Download both again`
    throw new ReplayError('input-checksum', message, { category: 'corrupt', path })
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
