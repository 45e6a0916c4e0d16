import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { commandsOf, docBlocks } from '../support/doc-blocks.ts'
import { asSeen, PageShell } from '../support/page-shell.ts'
import { pythonWithReaders } from '../support/python-readers.ts'

const python = pythonWithReaders()
const PAGE = path.resolve(import.meta.dirname, '../../docs/tables.md')

/** docs/tables.md from its top to its end, each line as it stands, in an empty folder. */
describe.skipIf(python === null)('the page about tables', () => {
  const shell = new PageShell('tables-page')
  let out = ''

  for (const block of docBlocks(fs.readFileSync(PAGE, 'utf8'))) {
    const { kind, text, isSkipped } = block
    if (isSkipped) continue
    const title = text.split('\n')[0]!
    if (kind === 'text') {
      it(`prints: ${title}`, () => {
        expect(asSeen(out)).toBe(asSeen(text))
      })
    } else {
      it(`runs: ${title}`, () => {
        if (kind === 'py') out = shell.printed(python!, '-c', text)
        else for (const line of commandsOf(block)) out = shell.printed('sh', '-c', line)
      })
    }
  }
})
