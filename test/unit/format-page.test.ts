import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'

const ROOT = path.resolve(import.meta.dirname, '../..')
const PAGE = fs.readFileSync(path.join(ROOT, 'docs/format.md'), 'utf8')
const SECTIONS = [...PAGE.matchAll(/^## (.+)$/gm)].map(([, title]) => title!)

/** Every source file that says something of the format. */
function* citing(): Generator<{ file: string; text: string }> {
  const files = execFileSync('git', ['ls-files', '-co', '--exclude-standard', 'core', 'cli', 'bench', 'test', 'report', 'docs'], {
    cwd: ROOT,
    encoding: 'utf8',
  })
  for (const file of files.trim().split('\n')) {
    if (!/\.(ts|as|md)$/.test(file) || !fs.existsSync(path.join(ROOT, file)) || file === 'test/unit/format-page.test.ts') continue
    yield { file, text: fs.readFileSync(path.join(ROOT, file), 'utf8') }
  }
}

it('has every section that comments name, and comments name no other page of the format', () => {
  const wrong: string[] = []
  let named = 0
  for (const { file, text } of citing()) {
    if (/\bFORMAT\.md\b/.test(text)) wrong.push(`${file}: FORMAT.md`)
    for (const [whole, rest] of text.matchAll(/docs\/format\.md, ([^\n]*)/g)) {
      named++
      if (!SECTIONS.some((section) => rest!.startsWith(section))) wrong.push(`${file}: ${whole}`)
    }
  }
  expect(wrong).toEqual([])
  expect(named).toBeGreaterThan(35)
})
