import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import { onTestFinished } from 'vitest'
import { bundleProgram } from '../../functions/assemble.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** A child process running one of `children/`, killed when the test ends. */
export interface Child {
  readonly process: ChildProcess
  /** The last whole line it printed. */
  lastLine(): string
  /** Resolves when it has printed at least one line that `wanted` likes. */
  printed(wanted: (line: string) => boolean): Promise<void>
  /** Resolves with its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string>
}

export function startChild(name: string, ...args: (string | number)[]): Child {
  return startProgram(process.execPath, [path.join(import.meta.dirname, 'children', `${name}.ts`), ...args.map(String)])
}

/** Bundles one of `children/` for a test that starts it many times: it loads two files, not hundreds. Gives a `startChild` of it. */
export async function bundledChild(name: string): Promise<(...args: (string | number)[]) => Child> {
  const folder = temporaryFolder(name)
  await bundleProgram(`test/process/children/${name}.ts`, folder)
  return (...args) => startProgram(process.execPath, [path.join(folder, `${name}.js`), ...args.map(String)])
}

export function startProgram(program: string, args: readonly string[]): Child {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  let rest = ''
  const ended = new Promise<number | string>((resolve) => child.on('close', (code, signal) => resolve(code ?? signal ?? 'unknown')))
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop()!
    lines.push(...parts)
  })
  return {
    process: child,
    ended,
    lastLine: () => lines.at(-1) ?? '',
    printed: (wanted) =>
      new Promise((resolve, reject) => {
        const check = (): void => {
          if (!lines.some(wanted)) return
          child.stdout.off('data', check)
          resolve()
        }
        child.stdout.on('data', check)
        child.on('close', () => reject(new Error(`${program} ended; last line: ${lines.at(-1)}`)))
        check()
      }),
  }
}
