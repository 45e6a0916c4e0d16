import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, inject, it } from 'vitest'
import { goldenPath } from '../golden-data.ts'
import { commandsOf } from '../support/doc-blocks.ts'
import { printed } from './machine.ts'
import { README, readmeBlocks } from './readme-blocks.ts'

const hasGolden = fs.existsSync(goldenPath('captures'))

/** A file each of three vendors, as they are downloaded. */
function fillDownloads(folder: string): void {
  fs.mkdirSync(folder)
  for (const file of [
    'tardis/okex_trades_2022-05-13_BTC-USDT.csv.gz',
    'binance/BTCUSD_PERP-trades-2024-08-08.zip',
    'recorder/usdm/btcusdt_20240808.gz',
  ]) {
    fs.copyFileSync(goldenPath('captures', file), path.join(folder, path.basename(file)))
  }
}

/** The README from its top to its end, each line as it stands, in one shell that begins in a clone. */
describe('the README', () => {
  let cwd = inject('clone')
  const place = path.join(cwd, '..', 'place')
  let out = ''

  const shell = (line: string): string => {
    const said = printed(`set -e\n${line}\npwd > ${place}`, cwd)
    cwd = fs.readFileSync(place, 'utf8').trim()
    return said
  }

  it('is short', () => {
    expect(README.split('\n').length).toBeLessThanOrEqual(250)
  })

  it('installs and packs in a clone by its first commands', () => {
    expect(fs.readdirSync(cwd)).toEqual(expect.arrayContaining(['node_modules', 'dist', 'chronicle-replay-0.1.0.tgz']))
  })

  let script = 0
  // Its first block is done once for all files (global-setup.ts).
  for (const block of readmeBlocks().slice(1)) {
    const { kind, text, isSkipped } = block
    const title = text.split('\n')[0]!.replace(/\s+#.*$/, '')
    if (isSkipped) continue
    if (kind === 'sh') {
      it.skipIf(text.includes('import downloads') && !hasGolden)(`runs: ${title}`, () => {
        if (text.includes('import downloads')) fillDownloads(path.join(cwd, 'downloads'))
        for (const line of commandsOf(block)) out = shell(line)
      })
    } else if (kind === 'ts') {
      const named = /^\/\/ (\S+\.ts)$/.exec(title)?.[1]
      it(named === undefined ? `runs a script: ${title}` : `has ${named}`, () => {
        const file = named ?? `script-${script++}.ts`
        fs.writeFileSync(path.join(cwd, file), text)
        if (named === undefined) out = shell(`node ${file}`)
      })
    } else if (kind === 'text') {
      it(`prints: ${title}`, () => {
        const trimmed = (lines: string): string => lines.replaceAll(/ +$/gm, '').trim()
        expect(trimmed(out)).toBe(trimmed(text))
      })
    }
  }

  it('leaves the clone as it was', () => {
    expect(printed('git status --short', inject('clone'))).toBe('')
  })
})
