import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { commandsOf, docBlocks } from '../support/doc-blocks.ts'
import { pythonWithReaders } from '../support/python-readers.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const python = pythonWithReaders()
const PAGE = path.resolve(import.meta.dirname, '../../docs/tables.md')
const BIN = path.resolve(import.meta.dirname, '../../cli/bin.mjs')

/** docs/tables.md from its top to its end, each line as it stands, in an empty folder. */
describe.skipIf(python === null)('the page about tables', () => {
  const cwd = temporaryFolder('tables-page')
  const programs = temporaryFolder('tables-page-programs')
  let out = ''

  beforeAll(() => {
    fs.writeFileSync(path.join(programs, 'npx'), `#!/bin/sh\nshift\nexec '${process.execPath}' '${BIN}' "$@"\n`, { mode: 0o755 })
  })

  const printed = (program: string, ...words: string[]): string => {
    const env = { ...process.env, PATH: `${programs}:${process.env.PATH}` }
    return execFileSync(program, words, { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }

  for (const block of docBlocks(fs.readFileSync(PAGE, 'utf8'))) {
    const { kind, text, isSkipped } = block
    if (isSkipped) continue
    const title = text.split('\n')[0]!
    if (kind === 'text') {
      it(`prints: ${title}`, () => {
        expect(out.replaceAll(/ +$/gm, '').trim()).toBe(text.trim())
      })
    } else {
      it(`runs: ${title}`, () => {
        if (kind === 'py') out = printed(python!, '-c', text)
        else for (const line of commandsOf(block)) out = printed('sh', '-c', line)
      })
    }
  }
})
