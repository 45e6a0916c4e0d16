import fs from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import zlib from 'node:zlib'
import { madeDbn } from './import-dbn.ts'
import { madeItch } from './import-itch.ts'
import { madeLevels, madeTrades } from './import-tardis.ts'
import { madeRecording } from './recording.ts'

/** Files that are imported, made of nothing but a seed: they are like those of vendors in what costs time, not in their prices. */
export interface ImportFiles {
  readonly dbn: string
  readonly itch: string
  /** Packed, as they come. */
  readonly levels: string
  readonly trades: string
  readonly recording: string
  /** Trades of four symbols, for workers. */
  readonly several: readonly string[]
}

/** Makes the files in `folder`, or finds them there. @param rows of each */
export async function importFiles(folder: string, rows: number): Promise<ImportFiles> {
  const made = (name: string, pieces: () => Iterable<Uint8Array>): Promise<string> =>
    writtenOnce(path.join(folder, `import-${rows}`, name), pieces)
  const several = ['AUSDT', 'BUSDT', 'CUSDT', 'DUSDT'].map((symbol) =>
    made(`several/binance_trades_2024-06-10_${symbol}.csv`, () => madeTrades(Math.ceil(rows / 4), symbol)),
  )
  return {
    dbn: await made('xnas-itch-20240610.mbo.dbn', () => madeDbn(rows)),
    itch: await made('06102024.NASDAQ_ITCH50', () => madeItch(rows)),
    levels: await made('binance_incremental_book_L2_2024-06-10_BTCUSDT.csv.gz', () => madeLevels(rows)),
    trades: await made('binance_trades_2024-06-10_BTCUSDT.csv', () => madeTrades(rows, 'BTCUSDT')),
    recording: await made('btcusdt_20240610', () => madeRecording(rows)),
    several: await Promise.all(several),
  }
}

async function writtenOnce(file: string, pieces: () => Iterable<Uint8Array>): Promise<string> {
  if (fs.existsSync(file)) return file
  fs.mkdirSync(path.dirname(file), { recursive: true })
  const aside = fs.createWriteStream(`${file}.tmp`)
  if (file.endsWith('.gz')) await pipeline(Readable.from(pieces()), zlib.createGzip(), aside)
  else await pipeline(Readable.from(pieces()), aside)
  fs.renameSync(`${file}.tmp`, file)
  return file
}
