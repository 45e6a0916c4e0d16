import fs from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { expect, it } from 'vitest'
import { ReplayError } from '../../core/errors.ts'
import { IMPORTERS } from '../../core/import/builtin-importers.ts'
import { localFile, openBytes, type StoredFile } from '../../core/import/files/byte-stream.ts'
import { glanceAt } from '../../core/import/files/glance.ts'
import { importUnit, type UnitFile } from '../../core/import/import-unit.ts'
import type { Importer } from '../../core/import/importer.ts'
import { verifyLog } from '../../core/log/checking/verify.ts'
import { Random } from '../../core/synthetic/random.ts'
import { describeGolden, goldenPath } from '../golden-data.ts'
import { IMPORT_DEFAULTS } from '../support/imported.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('import-damage')
/** Mutated files per format; `CHRONICLE_IMPORT_CASES=10000` for a long run, `CHRONICLE_IMPORT_SEED` for the same ones again. */
const CASES = Number(process.env.CHRONICLE_IMPORT_CASES ?? 40)
const SEED = Number(process.env.CHRONICLE_IMPORT_SEED ?? Date.now() % 2 ** 31)
/** Of a sample, so that a case is short. */
const MAX_BYTES = 60_000

/** Files that are one unit; compressed ones are mutated as they are stored, too. */
const SAMPLES: Readonly<Record<string, readonly (readonly string[])[]>> = {
  tardis: [
    ['tardis/kraken_incremental_book_L2_2021-04-17_ETH-CHF.csv.gz'],
    ['tardis/okex_trades_2022-05-13_BTC-USDT.csv.gz'],
    ['tardis/kraken_book_snapshot_5_2021-04-17_XMR-USD.csv.gz'],
    ['tardis/real/huobi-dm-swap_quotes_BTC-USD.csv'],
  ],
  databento: [['dbn/synthetic-3-instruments.mbo.dbn.zst'], ['dbn/futures_trades_2024-07-01T23-58_2024-07-02T00-02.dbn.zst']],
  itch: [['itch/01152026.NASDAQ_ITCH50.gz']],
  lobster: [['lobster/AAPL_2012-06-21_34200000_57600000_message_10.csv', 'lobster/AAPL_2012-06-21_34200000_57600000_orderbook_10.csv']],
  binance: [['binance/BTCUSD_PERP-trades-2024-08-08.zip'], ['binance/BTCUSDT-bookTicker-2024-08-08.zip']],
  hftbacktest: [['recorder/cm/btcusd_perp_20240808.gz']],
  cryptofeed: [['cryptofeed/KRAKEN.ws.50.0'], ['cryptofeed/OKX.ws.1.0']],
}

/** A file in memory. */
function inMemory(name: string, bytes: Uint8Array): StoredFile {
  const read = (start: number, end = bytes.length) => Readable.from([Buffer.from(bytes.subarray(start, end))], { objectMode: false })
  return { path: name, bytes: bytes.length, read, pieces: () => read(0) }
}

async function plainBytes(file: string): Promise<Buffer> {
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of openBytes(localFile(file))) {
    pieces.push(Buffer.from(piece))
    bytes += piece.length
    if (bytes > MAX_BYTES) break
  }
  return Buffer.concat(pieces).subarray(0, MAX_BYTES)
}

/** Cuts, flips, takes out, doubles or exchanges parts of a file, one to three times. */
function mutate(bytes: Buffer, random: () => number): Buffer {
  let made = Buffer.from(bytes)
  for (let times = 1 + Math.floor(3 * random()); times > 0 && made.length > 0; times--) {
    const at = Math.floor(random() * made.length)
    const length = 1 + Math.floor(random() ** 3 * Math.min(2000, made.length - at))
    const kind = Math.floor(6 * random())
    if (kind === 0) made = made.subarray(0, at)
    else if (kind === 1) made[at]! ^= 1 << Math.floor(8 * random())
    else if (kind === 2) made.fill(Math.floor(256 * random()), at, at + length)
    else if (kind === 3) made = Buffer.concat([made.subarray(0, at), made.subarray(at + length)])
    else if (kind === 4) made = Buffer.concat([made.subarray(0, at + length), made.subarray(at)])
    else {
      const lines = made.toString('latin1').split('\n')
      const [a, b] = [Math.floor(random() * lines.length), Math.floor(random() * lines.length)]
      ;[lines[a], lines[b]] = [lines[b]!, lines[a]!]
      made = Buffer.from(lines.join('\n'), 'latin1')
    }
  }
  return made
}

/** What became of it: rows that were settled, or the code of an error. */
async function outcomeOf(
  importer: Importer,
  files: readonly StoredFile[],
  onError: 'abort' | 'skip',
  folder: string,
): Promise<number | string> {
  const unit: UnitFile[] = []
  try {
    for (const stored of files) {
      const glance = await glanceAt(stored)
      const recognised = importer.recognise(glance, IMPORT_DEFAULTS.settings)
      if (recognised === null) return 'not recognised'
      unit.push({ name: glance.name, holds: recognised.holds, stored })
    }
    const { folders, counts } = await importUnit(
      importer,
      unit,
      { ...IMPORT_DEFAULTS, onError, keepsTruncated: onError === 'skip' },
      folder,
    )
    for (const { directory } of folders) {
      for (const { errors } of await verifyLog(directory)) expect(errors).toEqual([])
    }
    return counts.rows
  } catch (error) {
    if (!(error instanceof ReplayError)) throw error
    expect([error.category, error.code, error.message]).not.toContain('bug')
    return error.code
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}

describeGolden('damaged files', () => {
  for (const [name, samples] of Object.entries(SAMPLES)) {
    it(
      `of ${name} give a named error, or rows and counts, and never anything else`,
      async () => {
        const importer = IMPORTERS.find((each) => each.name === name)!
        const met = new Map<string, number>()
        for (let number = 0; number < CASES; number++) {
          const seed = SEED + number
          const numbers = new Random(seed)
          const random = (): number => numbers.unit()
          const sample = samples[number % samples.length]!
          const isStored = random() < 0.25
          const files: StoredFile[] = []
          const damaged = Math.floor(random() * sample.length)
          for (const [i, relative] of sample.entries()) {
            const file = goldenPath('captures', relative)
            const bytes = isStored ? fs.readFileSync(file).subarray(0, 4 * MAX_BYTES) : await plainBytes(file)
            files.push(inMemory(path.basename(file), i === damaged ? mutate(bytes, random) : bytes))
          }
          for (const onError of ['abort', 'skip'] as const) {
            const outcome = await outcomeOf(importer, files, onError, path.join(root, `${name}-${number}`)).catch((error: unknown) => {
              throw new Error(`case of seed ${seed}: ${(error as Error).message}`, { cause: error })
            })
            const what = typeof outcome === 'number' ? `rows, ${onError}` : outcome
            met.set(what, (met.get(what) ?? 0) + 1)
          }
        }
        console.info(`${name}, seed ${SEED}: ${[...met].map(([what, count]) => `${count} ${what}`).join(', ')}`)
        expect([...met.keys()].some((what) => what.startsWith('rows'))).toBe(true)
      },
      60_000 + CASES * 2000,
    )
  }
})
