import { createHash } from 'node:crypto'
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
}

/** Files that are read together, by one task. */
export interface PlannedUnit {
  readonly importer: string
  readonly files: readonly PlannedFile[]
}

/** A file that is not imported, and why. */
export interface LeftOutFile {
  readonly path: string
  readonly why: string
}

export interface ImportPlan {
  readonly units: readonly PlannedUnit[]
  readonly leftOut: readonly LeftOutFile[]
}

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
  const { importer, settings, isStrict } = options
  const units = new Map<string, { importer: string; files: PlannedFile[] }>()
  const leftOut: LeftOutFile[] = []
  const seen = new Map<string, string>()
  for (const { stored, reference } of sources) {
    const { path } = stored
    try {
      const glance = await glanceAt(stored)
      const found = importer === null ? recogniseFile(glance, settings) : recognisedBy(importer, glance, settings)
      if (found === null) throw unknownFile(glance, importer)
      const digest = await digestOf(stored, reference)
      const twin = seen.get(digest)
      if (twin !== undefined) {
        leftOut.push({ path, why: `has the same bytes as ${twin}` })
        continue
      }
      seen.set(digest, path)
      const [by, recognised] = found
      const key = `${by.name}\n${recognised.unit}`
      const unit = units.get(key) ?? { importer: by.name, files: [] }
      units.set(key, unit)
      unit.files.push({ ...recognised, name: glance.name, path, reference, bytes: stored.bytes, digest })
    } catch (error) {
      if (isStrict || !(error instanceof ReplayError) || error.category === 'transient' || error.category === 'bug') throw error
      leftOut.push({ path, why: error.message })
    }
  }
  const inOrder = (a: PlannedFile, b: PlannedFile): number =>
    compare(a.order ?? '', b.order ?? '') || compare(a.name, b.name) || compare(a.digest, b.digest)
  return { units: [...units.values()].map((unit) => ({ ...unit, files: unit.files.sort(inOrder) })), leftOut }
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
  for await (const piece of stored.read(0)) hash.update(piece as Uint8Array)
  return hash.digest('hex')
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}
