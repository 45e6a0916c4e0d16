import { execFileSync, spawnSync } from 'node:child_process'
import { hash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'

const REQUIREMENTS = path.resolve(import.meta.dirname, '../interop/requirements.txt')
const CACHE = path.resolve(import.meta.dirname, '../../node_modules/.cache/chronicle-replay-interop')

/**
 * A Python that has the readers of `test/interop/requirements.txt`, in a virtual environment that is made once and kept
 * until the requirements change. Null, after one line that says why, where there is no Python or no way to install;
 * under CI that is an error.
 */
export function pythonWithReaders(): string | null {
  try {
    const { program, version } = findPython()
    const environment = path.join(CACHE, hash('sha256', `${version}\n${fs.readFileSync(REQUIREMENTS, 'utf8')}`, 'hex').slice(0, 16))
    const python = path.join(environment, 'bin', 'python')
    const marker = path.join(environment, 'complete')
    if (fs.existsSync(marker)) return python
    fs.rmSync(environment, { recursive: true, force: true })
    run(program, ['-m', 'venv', environment])
    run(python, [
      '-m',
      'pip',
      'install',
      '--quiet',
      '--disable-pip-version-check',
      '--no-deps',
      '--require-hashes',
      '--only-binary=:all:',
      '-r',
      REQUIREMENTS,
    ])
    fs.writeFileSync(marker, '')
    return python
  } catch (error) {
    const line = `interop tests: no Python readers: ${error instanceof Error ? error.message : String(error)}`
    if (process.env.CI === 'true') throw new Error(line)
    process.stderr.write(`${line}; skipped\n`)
    return null
  }
}

/** The newest CPython that the lock has wheels for. */
function findPython(): { program: string; version: string } {
  for (const program of ['python3.13', 'python3.12', 'python3.11', 'python3']) {
    const asked = spawnSync(program, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], { encoding: 'utf8' })
    const version = asked.status === 0 ? asked.stdout.trim() : ''
    if (/^3\.1[123]$/.test(version)) return { program, version }
  }
  throw new Error('expected python3 of version 3.11 to 3.13 in PATH, found none')
}

function run(program: string, args: readonly string[]): void {
  try {
    execFileSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', timeout: 300_000 })
  } catch (error) {
    const said = (error as { stderr?: string }).stderr?.trim().split('\n').at(-1)
    throw new Error(`${path.basename(program)} ${args.slice(0, 3).join(' ')} failed: ${said ?? String(error)}`)
  }
}
