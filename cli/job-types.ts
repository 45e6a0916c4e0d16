import { spawn } from 'node:child_process'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { ReplayError } from '../core/errors.ts'
import { SoundFiles } from './sound-files.ts'

/**
 * Checks the types of a job module in TypeScript, where the project that it lies in has the `typescript` package: bundling
 * only strips types. What the job's own files get wrong counts, not what is missing around them. A job elsewhere, or in
 * JavaScript, is not checked, nor is one that was found sound and of which no file changed since.
 * @throws ReplayError input `job-types` with file, line and message of the first error
 */
export async function checkJobTypes(job: string): Promise<void> {
  const file = path.resolve(job)
  if (!/\.[mc]?ts$/.test(file) || !fs.existsSync(file)) return
  const find = createRequire(file)
  const manifest = resolved(find, 'typescript/package.json')
  if (manifest === null) return
  const { version, bin } = JSON.parse(fs.readFileSync(manifest, 'utf8')) as { version: string; bin: { tsc: string } }
  const major = Number.parseInt(version, 10)
  const isCheckout = import.meta.filename.endsWith('.ts')
  const words = [
    ...(major >= 6 ? ['--ignoreConfig'] : []),
    // Of a job and declarations there is too little for several checkers, each of which would look at what all files have in common.
    ...(major >= 7 ? ['--singleThreaded'] : []),
    '--listFiles',
    ...['--noEmit', '--pretty', 'false', '--skipLibCheck', '--strict', 'false', '--target', 'esnext', '--module', 'nodenext'],
    ...['--allowImportingTsExtensions', '--types', resolved(find, '@types/node/package.json') === null ? '' : 'node'],
    // In a checkout what was built may be older than the sources that run.
    ...(isCheckout ? ['--customConditions', 'chronicle-replay-source'] : []),
  ]
  const sound = new SoundFiles([manifest, version, ...words, file])
  if (sound.areUnchanged()) return
  const said = await outputOf(path.join(path.dirname(manifest), bin.tsc), [...words, file], path.dirname(file))
  const errors = said.split('\n').flatMap((line) => {
    const match = /^(.+)\((\d+),\d+\): error (TS\d+): (.+)$/.exec(line)
    return match === null || NOT_OF_THE_JOB.has(match[3]!) || !isOwn(path.resolve(path.dirname(file), match[1]!)) ? [] : [match]
  })
  const [first] = errors
  if (first === undefined) {
    // What could not be found may be there the next time.
    const isFound = !Array.from(said.matchAll(/: error (TS\d+): /g), ([, code]) => code!).some((code) => NOT_OF_THE_JOB.has(code))
    if (isFound) sound.keep(said.split('\n').filter((line) => path.isAbsolute(line)))
    return
  }
  const more = errors.length === 1 ? '' : `; ${errors.length - 1} more`
  throw new ReplayError('job-types', `the job module has a type error: ${first[4]} (${first[1]}:${first[2]}, ${first[3]})${more}`, {
    category: 'input',
  })
}

/** Modules and types that are not installed: at run time they may well be there. */
const NOT_OF_THE_JOB: ReadonlySet<string> = new Set(['TS2307', 'TS2580', 'TS2591', 'TS2688', 'TS2792', 'TS7016'])
const LIBRARY = path.resolve(import.meta.dirname, '../core') + path.sep

function isOwn(file: string): boolean {
  return !file.startsWith(LIBRARY) && !file.includes(`${path.sep}node_modules${path.sep}`)
}

function resolved(find: NodeJS.Require, name: string): string | null {
  try {
    return find.resolve(name)
  } catch {
    return null
  }
}

function outputOf(program: string, words: readonly string[], cwd: string): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, ...words], { cwd, stdio: ['ignore', 'pipe', 'ignore'] })
    let text = ''
    child.stdout.setEncoding('utf8').on('data', (part: string) => {
      text += part
    })
    // A checker that cannot run says nothing.
    child.on('error', () => resolve(''))
    child.on('close', () => resolve(text))
  })
}
