import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { temporaryFolder } from './temporary-folder.ts'

const BIN = path.resolve(import.meta.dirname, '../../cli/bin.mjs')

/** What stands on a page, done in an empty folder, in which `npx chronicle-replay` is that of the sources. */
export class PageShell {
  readonly cwd: string
  readonly #path: string

  /** @param name of the folder */
  constructor(name: string) {
    this.cwd = temporaryFolder(name)
    const programs = temporaryFolder(`${name}-programs`)
    fs.writeFileSync(path.join(programs, 'npx'), `#!/bin/sh\nshift\nexec '${process.execPath}' '${BIN}' "$@"\n`, { mode: 0o755 })
    this.#path = `${programs}:${process.env.PATH}`
  }

  /** What a program prints. @throws Error with its stderr when it fails */
  printed(program: string, ...words: string[]): string {
    const env = { ...process.env, PATH: this.#path }
    return execFileSync(program, words, { cwd: this.cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  }

  /** A file of the page. */
  write(file: string, text: string): void {
    fs.writeFileSync(path.join(this.cwd, file), text)
  }
}

/** Text as it is compared: spaces at the ends of lines are not seen on a page. */
export function asSeen(text: string): string {
  return text.replaceAll(/ +$/gm, '').trim()
}
