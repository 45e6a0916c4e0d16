import fs from 'node:fs'
import path from 'node:path'
import { type DocBlock, docBlocks } from '../support/doc-blocks.ts'
import { ROOT } from './machine.ts'

export const README = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8')

/** Fenced blocks of the README, in order. */
export function readmeBlocks(): DocBlock[] {
  return docBlocks(README)
}
