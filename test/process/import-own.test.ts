import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('import-own')
const module = path.resolve(import.meta.dirname, '../../examples/semicolon-importer.ts')
const ROWS = [
  'time;symbol;side;price;size',
  '1709251200000;ABC;buy;10.5;1',
  '1709251200250;ABC;sell;10.4;2',
  '1709251201000;X/Y;buy;1e-7;3',
]

describe('an importer of one’s own', () => {
  it('is what docs/import.md shows', () => {
    const page = fs.readFileSync(path.resolve(import.meta.dirname, '../../docs/import.md'), 'utf8')
    const code = fs.readFileSync(module, 'utf8')
    expect(page).toContain(code.slice(code.indexOf('import {')).trim())
  })

  it('is loaded as jobs are, here and in threads, and its rows are counted', async () => {
    const files = ['a.txt', 'b.txt'].map((name, i) => {
      const file = path.join(root, name)
      fs.writeFileSync(file, `${ROWS.map((row) => row.replaceAll('ABC', `ABC${i}`).replaceAll('X/Y', `X/Y${i}`)).join('\n')}\nnonsense\n`)
      return file
    })
    const archive = path.join(root, 'archive')
    const result = await runCli('import', module, ...files, '--archive', archive, '--workers', '2', '--on-error', 'skip', '--json')
    expect(result.code).toBe(0)
    expect(JSON.parse(result.out)).toMatchObject({
      counts: { rows: 8, written: 6, bad: { row: 2 } },
      folders: ['abc0', 'abc1', 'x-y0', 'x-y1'].map((symbol) => ({ key: `mine/${symbol}/2024-03-01/trades`, action: 'put' })),
    })
    expect((await runCli('import', module, files[0]!, '--archive', path.join(root, 'other'))).err).toContain('import-row')
    const replayed = path.join(root, 'trades.csv')
    expect((await runCli('replay', archive, '--csv', replayed, '--decode')).code).toBe(0)
    expect(fs.readFileSync(replayed, 'utf8').trim().split('\n')).toHaveLength(7)
  })
})
