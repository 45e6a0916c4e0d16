import fs from 'node:fs'
import path from 'node:path'
import type { L2Side } from '../../core/book/l2-side.ts'
import { localFile } from '../../core/import/files/byte-stream.ts'
import { glanceAt } from '../../core/import/files/glance.ts'
import { importUnit, type UnitFile, type UnitOptions } from '../../core/import/import-unit.ts'
import type { Importer } from '../../core/import/importer.ts'
import type { StagedFolder } from '../../core/import/logs/log-stager.ts'
import type { ImportCounts } from '../../core/import/messages/import-tally.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import type { MessageCursor } from '../../core/message/message.ts'

export interface Imported {
  /** Below it: `<venue>/<symbol>/<date>/<stream>`. */
  readonly root: string
  readonly folders: ReadonlyMap<string, StagedFolder>
  readonly counts: ImportCounts
}

export const IMPORT_DEFAULTS: UnitOptions = {
  settings: { words: {} },
  range: {},
  scales: {},
  onError: 'abort',
  keepsTruncated: false,
}

/** Reads files as one unit of an importer, and puts the logs below a folder as archives have them, without their `meta.json`. */
export async function importInto(
  root: string,
  importer: Importer,
  paths: readonly string[],
  options: Partial<UnitOptions> = {},
): Promise<Imported> {
  const all = { ...IMPORT_DEFAULTS, ...options }
  const files: UnitFile[] = []
  for (const file of paths) {
    const stored = localFile(file)
    const glance = await glanceAt(stored)
    const recognised = importer.recognise(glance, all.settings)
    if (recognised === null) throw new Error(`${file} is no ${importer.title}`)
    files.push({ name: glance.name, holds: recognised.holds, stored })
  }
  const staged = path.join(root, '.staged')
  const { folders, counts } = await importUnit(importer, files, all, staged)
  const placed = new Map<string, StagedFolder>()
  for (const folder of folders) {
    const directory = path.join(root, folder.key)
    fs.mkdirSync(path.dirname(directory), { recursive: true })
    fs.renameSync(folder.directory, directory)
    placed.set(folder.key, { ...folder, directory })
  }
  fs.rmSync(staged, { recursive: true, force: true })
  return { root, folders: placed, counts }
}

/** Of all folders of a stream; of one symbol, where one is named. */
export async function eachMessage(
  made: Imported,
  symbol: string | null,
  stream: string,
  each: (message: MessageCursor) => void,
): Promise<void> {
  const folders = [...made.folders.values()].filter(
    ({ key, identity }) => key.endsWith(`/${stream}`) && (symbol === null || identity.exchangeSymbol === symbol),
  )
  if (folders.length === 0) throw new Error(`nothing was imported of ${symbol ?? stream}`)
  for (const { directory } of folders.sort((a, b) => (a.key < b.key ? -1 : 1))) {
    const reader = await ReplayReader.open(directory)
    for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) for (const message of batch) each(message)
    await reader.close()
  }
}

/** Prices and sizes of the best levels, as whole numbers. */
export function topLevels(side: L2Side, count = 10): number[][] {
  const [prices, sizes] = [new Float64Array(count), new Float64Array(count)]
  return Array.from({ length: side.topInto(prices, sizes) }, (_, i) => [prices[i]!, sizes[i]!])
}
