import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { expect, it } from 'vitest'
import { tardis } from '../../core/import/formats/tardis.ts'
import { estimateImport, type ImportEstimate } from '../../core/import/import-estimate.ts'
import { planImport } from '../../core/import/import-plan.ts'
import { findSources } from '../../core/import/source-files.ts'
import { IMPORT_DEFAULTS, importInto } from '../support/imported.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('import-estimate')
const NAME = 'binance-futures_trades_2024-08-08_BTCUSDT.csv'

it('is exact of a file that was read whole', async () => {
  const file = written('whole', tradesOf(1000))
  expect(await estimateOf([file])).toEqual([
    {
      venues: ['binance-usdm'],
      symbols: ['btcusdt'],
      dates: ['2024-08-08'],
      streams: ['trades'],
      messages: 1000,
      bytes: 1000 * 128,
      isExact: true,
    },
  ])
})

it('is near what becomes of a file of which only the begin was read, packed or not', async () => {
  const text = tradesOf(60_000)
  for (const [folder, name, bytes] of [
    ['plain', NAME, Buffer.from(text)],
    ['packed', `${NAME}.gz`, zlib.gzipSync(text)],
    ['zstd', `${NAME}.zst`, zlib.zstdCompressSync(text)],
  ] as const) {
    const file = written(folder, bytes, name)
    const [estimate] = await estimateOf([file])
    const { counts } = await importInto(path.join(root, `${folder}-made`), tardis, [file])
    expect([folder, estimate!.isExact]).toEqual([folder, false])
    expect(Math.abs(estimate!.messages / counts.written - 1), folder).toBeLessThan(0.1)
  }
})

it('takes what it did not look into for the like of what it did', async () => {
  const files = Array.from({ length: 40 }, (_, at) =>
    written(`many-${at}`, tradesOf(100 + at), NAME.replace('08_', `${String((at % 28) + 1).padStart(2, '0')}_`).replace('BTC', `B${at}X`)),
  )
  const estimates = await estimateOf(files)
  expect(estimates.filter((estimate) => estimate!.isExact)).toHaveLength(32)
  for (const [at, estimate] of estimates.entries()) {
    expect(estimate!.streams).toEqual(['trades'])
    expect(Math.abs(estimate!.messages / (100 + at) - 1)).toBeLessThan(0.1)
  }
})

it('leaves nothing behind, and says nothing where the begin of a file says nothing', async () => {
  const before = temporaryOnes()
  const bad = written('bad', `exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n${'x,'.repeat(7)}x\n`)
  expect(await estimateOf([bad])).toMatchObject([{ messages: 0, streams: [] }])
  expect(temporaryOnes()).toEqual(before)
})

async function estimateOf(files: readonly string[]): Promise<(ImportEstimate | null)[]> {
  const plan = await planImport(await findSources(files), { importer: null, settings: IMPORT_DEFAULTS.settings, isStrict: true })
  const estimates = await estimateImport(plan, IMPORT_DEFAULTS, [], undefined)
  // In the order of the files, not of the plan.
  return files.map((file) => estimates[plan.units.findIndex((unit) => unit.files[0]!.path === file)]!)
}

function tradesOf(rows: number): string {
  const lines = ['exchange,symbol,timestamp,local_timestamp,id,side,price,amount']
  for (let row = 0; row < rows; row++) {
    const time = 1723075200000000 + 1000 * row
    lines.push(
      `binance-futures,BTCUSDT,${time},${time + 400},${row},${row % 3 === 0 ? 'sell' : 'buy'},${57000 + (row % 500) / 10},0.0${1 + (row % 9)}`,
    )
  }
  return `${lines.join('\n')}\n`
}

function written(folder: string, bytes: string | Uint8Array, name = NAME): string {
  const file = path.join(root, folder, name)
  fs.mkdirSync(path.dirname(file), { recursive: true })
  fs.writeFileSync(file, bytes)
  return file
}

function temporaryOnes(): string[] {
  return fs.readdirSync(path.dirname(root)).filter((name) => name.startsWith('chronicle-estimate-'))
}
