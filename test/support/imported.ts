import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import type { L2Side } from '../../core/book/l2-side.ts'
import type { L3Book } from '../../core/book/l3-book.ts'
import { ORDER_ID_HIGH, ORDER_ID_LOW, ORDER_PRICE, ORDER_QUANTITY, ORDER_SIDE_AND_TYPE } from '../../core/book/order-store.ts'
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

/**
 * CRC of all orders by ascending id: u64 id, u8 side, i64 price, u64 quantity, little-endian.
 * @param factor of prices, where answers have more decimals than the book
 */
export function ordersCrc32({ orders }: L3Book, factor = 1): number {
  // Sorting takes memory, and views are of the memory as it was.
  const slots = [...orders.sortedSlots()]
  const { words, doubles } = orders
  const rows = slots.map((slot) => {
    const row = Buffer.alloc(25)
    row.writeInt32LE(words[slot * 16 + ORDER_ID_LOW]!, 0)
    row.writeInt32LE(words[slot * 16 + ORDER_ID_HIGH]!, 4)
    row[8] = words[slot * 16 + ORDER_SIDE_AND_TYPE]! & 0xff
    row.writeBigInt64LE(BigInt(doubles[slot * 8 + ORDER_PRICE]! * factor), 9)
    row.writeBigUInt64LE(BigInt(doubles[slot * 8 + ORDER_QUANTITY]!), 17)
    return row
  })
  return zlib.crc32(Buffer.concat(rows))
}
