import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { tardis } from '../../core/import/formats/tardis.ts'
import { findSources } from '../../core/import/source-files.ts'
import { importInto } from '../support/imported.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('import-collision')
const ROWS = ['XBT/USD', 'XBT:USD', 'ETH/USD', 'XBT:USD', 'XBT/USD'].map(
  (symbol, row) => `bitmex,${symbol},172307520000000${row},172307520000040${row},${row},buy,57000.5,1`,
)
const file = path.join(root, 'bitmex_trades_2024-08-08_PERPETUALS.csv')
fs.writeFileSync(file, `exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n${ROWS.join('\n')}\n`)

it('two symbols of one code end the import, with both of their names', async () => {
  const import1 = importInto(path.join(root, 'abort'), tardis, [file])
  await expect(import1).rejects.toMatchObject({
    code: 'symbol-collision',
    category: 'input',
    message: expect.stringMatching(/code xbt-usd: "XBT\/USD" and "XBT:USD".*--symbols.*--on-error skip/),
  })
})

it('the second is left out, counted and named where damage is skipped, and all else is there', async () => {
  const { counts, folders } = await importInto(path.join(root, 'skip'), tardis, [file], { onError: 'skip' })
  expect(counts).toMatchObject({
    rows: 5,
    written: 3,
    leftOut: { 'not asked for': 2 },
    noted: { 'streams of XBT:USD, which has the code of XBT/USD': 1 },
  })
  expect([...folders].map(([key, { records, identity }]) => [key, identity.exchangeSymbol, records])).toEqual([
    ['bitmex/xbt-usd/2024-08-08/trades', 'XBT/USD', 2],
    ['bitmex/eth-usd/2024-08-08/trades', 'ETH/USD', 1],
  ])
})

it('asked for apart, each has an archive of its own', async () => {
  const apart = (symbol: string) => importInto(path.join(root, symbol), tardis, [file], { range: { symbols: new Set([symbol]) } })
  const [slash, colon] = [await apart('XBT/USD'), await apart('XBT:USD')]
  expect([slash.counts.written, colon.counts.written]).toEqual([2, 2])
})

it.each(['../../x', '..', '.', 'a/b'])('a venue that no folder can be called ends the import: %s', async (venue) => {
  const odd = path.join(root, 'odd.csv')
  fs.writeFileSync(odd, `exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n${ROWS[2]!.replace('bitmex', venue)}\n`)
  const refused = { code: 'import-venue', category: 'input', message: expect.stringContaining(JSON.stringify(venue)) }
  await expect(importInto(path.join(root, 'odd'), tardis, [odd])).rejects.toMatchObject(refused)
})

it('a folder that cannot be read is told, and what leads nowhere is no file', async () => {
  const folder = path.join(root, 'links')
  fs.mkdirSync(folder)
  fs.symlinkSync(path.join(folder, 'gone'), path.join(folder, 'a.csv'))
  fs.writeFileSync(path.join(folder, 'b.csv'), '')
  expect((await findSources([path.join(folder, '*.csv')])).map(({ stored }) => stored.path)).toEqual([path.join(folder, 'b.csv')])
  await expect(findSources([path.join(folder, 'b.csv', 'c.csv')])).rejects.toMatchObject({ category: 'input' })
})
