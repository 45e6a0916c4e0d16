import fs from 'node:fs'
import path from 'node:path'
import { ROOT } from './machine.ts'

export interface ReadmeBlock {
  /** Heading of the section it is in. */
  readonly section: string
  readonly kind: string
  readonly text: string
  /** A comment before it says that it is not to be run. */
  readonly isSkipped: boolean
}

export const README = fs.readFileSync(path.join(ROOT, 'README.md'), 'utf8')

/** Fenced blocks of the README, in order. */
export function readmeBlocks(): ReadmeBlock[] {
  return README.split(/^## /m).flatMap((section) =>
    [...section.matchAll(/(<!-- not run[^\n]*-->\n)?```(\w+)\n(.*?)```/gs)].map(([, skip, kind, text]) => ({
      section: section.split('\n')[0]!,
      kind: kind!,
      text: text!,
      isSkipped: skip !== undefined,
    })),
  )
}

/** Lines of a block of commands. */
export function commandsOf({ text }: ReadmeBlock): string[] {
  return text.split('\n').filter((line) => line.trim() !== '')
}
