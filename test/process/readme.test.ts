import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')

/** Fenced blocks of the README, and whether a comment before says that they are not to be run. */
function blocksOf(markdown: string): { readonly kind: string; readonly text: string; readonly isSkipped: boolean }[] {
  return [...markdown.matchAll(/(<!-- not run[^\n]*-->\n)?```(\w+)\n(.*?)```/gs)].map(([, skip, kind, text]) => ({
    kind: kind!,
    text: text!,
    isSkipped: skip !== undefined,
  }))
}

describe('the README', () => {
  const markdown = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8')
  const folder = temporaryFolder('readme')
  let out = ''

  // A shell in which `npx chronicle-replay` is that of the checkout, and scripts find the library by its name.
  const shell = (command: string): string => {
    const own = command.replaceAll('npx chronicle-replay', `node ${path.join(ROOT, 'cli/bin.mjs')}`)
    return execFileSync('sh', ['-ec', own], { cwd: folder, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }

  beforeAll(() => {
    fs.mkdirSync(path.join(folder, 'node_modules'))
    fs.symlinkSync(ROOT, path.join(folder, 'node_modules/chronicle-replay'))
    fs.writeFileSync(path.join(folder, 'package.json'), '{"type":"module"}')
  })

  it('is short', () => {
    expect(markdown.split('\n').length).toBeLessThanOrEqual(250)
  })

  let script = 0
  for (const { kind, text, isSkipped } of blocksOf(markdown)) {
    const title = text.split('\n')[0]!.replace(/\s+#.*$/, '')
    if (isSkipped) continue
    if (kind === 'sh') {
      it(`runs: ${title}`, () => {
        for (const line of text.split('\n').filter((each) => each.trim() !== '')) out = shell(line)
      })
    } else if (kind === 'ts') {
      const named = /^\/\/ (\S+\.ts)$/.exec(title)?.[1]
      it(named === undefined ? `runs a script: ${title}` : `has ${named}`, () => {
        const file = named ?? `script-${script++}.ts`
        fs.writeFileSync(path.join(folder, file), text)
        if (named === undefined) out = shell(`node ${file}`)
      })
    } else if (kind === 'text') {
      it(`prints: ${title}`, () => {
        const trimmed = (lines: string): string => lines.replaceAll(/ +$/gm, '').trim()
        expect(trimmed(out)).toBe(trimmed(text))
      })
    }
  }
})
