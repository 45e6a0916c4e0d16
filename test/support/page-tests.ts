import fs from 'node:fs'
import { expect, it } from 'vitest'
import { commandsOf, type DocBlock, docBlocks } from './doc-blocks.ts'
import { asSeen, type PageShell } from './page-shell.ts'

/** What stands in a block that is neither commands nor what they print; gives what it prints, null where it prints nothing. */
export type OtherBlock = (block: DocBlock, title: string) => { readonly name: string; readonly does: () => string | null }

/** A test for each block of a page, from its top to its end: commands run, and text is what the block before it printed. */
export function testPage(page: string, shell: PageShell, other: OtherBlock): void {
  let out = ''
  for (const block of docBlocks(fs.readFileSync(page, 'utf8'))) {
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
      const { name, does } = other(block, title)
      it(name, () => {
        out = does() ?? out
      })
    }
  }
}
