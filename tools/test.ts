/**
 * `npm test`: everything, in three runs of Vitest beside each other, whose reports become one. Vitest itself runs files that must
 * not run at once, those of the deployed stack, behind all others, on one core, and sets up all parts one after the other before the
 * first test. With a choice of files, projects or names, all words go to one run of Vitest.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { createInterface } from 'node:readline'

/** What each run is told. The two that mostly wait, for LocalStack and for npm, share the cores with the one that computes. */
const LANES = {
  cloud: ['--project', 'cloud'],
  user: ['--project', 'user', '--maxWorkers', '1'],
  rest: ['--project', '!cloud', '--project', '!user'],
}
const BLOBS = path.resolve(import.meta.dirname, '../.cache/test-reports')
const VITEST = path.join(path.dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')

const words = process.argv.slice(2)
process.exitCode = words.every((word) => /^--(?:reporter|outputFile)\b.*=/.test(word)) ? await runLanes() : await vitest(words)

/** Runs all lanes and reports them as one, as the words ask for. Gives the worst exit code. */
async function runLanes(): Promise<number> {
  fs.rmSync(BLOBS, { recursive: true, force: true })
  fs.mkdirSync(BLOBS, { recursive: true })
  const codes = Object.entries(LANES).map(([lane, projects]) => {
    const blob = `--outputFile.blob=${path.join(BLOBS, `${lane}.json`)}`
    return vitest([...projects, '--reporter=default', '--reporter=blob', blob], lane)
  })
  // A lane that failed before its first test has no report, but its code.
  const worst = Math.max(...(await Promise.all(codes)))
  return Math.max(worst, await vitest([`--merge-reports=${BLOBS}`, ...words]))
}

/** @param lane begins each line of what is said, where others talk meanwhile. @default nothing: the terminal is its own */
async function vitest(argv: readonly string[], lane?: string): Promise<number> {
  const output = lane === undefined ? 'inherit' : 'pipe'
  const child = spawn(process.execPath, [VITEST, 'run', ...argv], { stdio: ['ignore', output, output] })
  for (const [from, to] of [
    [child.stdout, process.stdout],
    [child.stderr, process.stderr],
  ] as const) {
    if (from !== null) createInterface(from).on('line', (line) => void to.write(`${lane}: ${line}\n`))
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return code ?? 1
}
