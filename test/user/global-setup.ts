import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import type { TestProject } from 'vitest/node'
import { commandsOf } from '../support/doc-blocks.ts'
import { makeClone, printed } from './machine.ts'
import { readmeBlocks } from './readme-blocks.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Folder of a clone, installed and packed by what the README says; tests add projects beside it. */
    clone: string
  }
}

let home = ''

/** What comes first in the README, once for all files: in a clone, its first block under "Install". */
export function setup(project: TestProject): void {
  const started = Date.now()
  home = fs.mkdtempSync(path.join(os.tmpdir(), 'chronicle-replay-user-'))
  const clone = path.join(home, 'chronicle-replay')
  makeClone(clone)
  const block = readmeBlocks().find(({ section }) => section === 'Install')!
  for (const line of commandsOf(block)) printed(line, clone)
  process.stderr.write(`user tests: a clone, installed and packed, in ${((Date.now() - started) / 1000).toFixed(1)} s\n`)
  project.provide('clone', clone)
}

export function teardown(): void {
  if (home !== '') fs.rmSync(home, { recursive: true, force: true })
}
