import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { commandsOf, docBlocks } from '../support/doc-blocks.ts'
import { asSeen, PageShell } from '../support/page-shell.ts'

const PAGE = path.resolve(import.meta.dirname, '../../docs/backtest.md')

/** docs/backtest.md from its top to its end, each line as it stands. */
describe('the page about backtests', () => {
  const shell = new PageShell('backtest-page')
  let out = ''

  for (const block of docBlocks(fs.readFileSync(PAGE, 'utf8'))) {
    const { kind, text, isSkipped } = block
    if (isSkipped) continue
    const title = text.split('\n')[0]!
    if (kind === 'text') {
      it(`prints: ${title}`, () => {
        expect(asSeen(out)).toBe(asSeen(text))
      })
    } else if (kind === 'sh') {
      it(`runs: ${title}`, () => {
        for (const line of commandsOf(block)) out = shell.printed('sh', '-c', line)
      })
    } else {
      const file = kind === 'json' ? 'instruments.json' : /^\/\/ (\S+\.ts)$/.exec(title)![1]!
      it(`has ${file}`, () => {
        shell.write(file, text)
      })
    }
  }
})
