import { execFileSync, spawnSync } from 'node:child_process'
import { hash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { makeOnce } from './make-once.ts'

const REQUIREMENTS = path.join(import.meta.dirname, 'requirements.txt')
/** The installer, locked, too: it takes a fifth of pip's time. */
const UV = path.join(import.meta.dirname, 'uv.txt')
const INSTALL_MS = 600_000

/**
 * A Python 3.13, or null. LocalStack 4.14 starts under older ones, but its S3 and Step Functions answer 500 there.
 * With `uv` at hand and none found, `uv` is asked to install one.
 */
export function findPython(): string | null {
  const candidates = ['python3.13', ...pyenvPythons()]
  return candidates.find(isPython313) ?? uvPython()
}

/**
 * The interpreter of a virtual environment that holds a lock's packages. It is made once for a lock.
 * @param requirements exact versions with hashes. @default those of LocalStack
 * @throws Error what pip or uv said, in one line
 */
export function pythonEnvironment(python: string, requirements = REQUIREMENTS): string {
  const lock = hash('sha256', `${installation(python)}\n${fs.readFileSync(requirements, 'utf8')}`, 'hex').slice(0, 16)
  const environment = makeOnce(`python-${lock}`, (folder) => {
    run(python, ['-m', 'venv', folder])
    const own = path.join(folder, 'bin', 'python')
    run(own, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--no-deps', '--require-hashes', '-r', UV])
    const uv = ['pip', 'install', '--quiet', '--python', own, '--no-deps', '--require-hashes']
    run(path.join(folder, 'bin', 'uv'), [...uv, '-r', requirements])
  })
  return path.join(environment, 'bin', 'python')
}

function isPython313(program: string): boolean {
  const asked = spawnSync(program, ['-c', 'import sys, venv; print("%d.%d" % sys.version_info[:2])'], { encoding: 'utf8' })
  return asked.status === 0 && asked.stdout.trim() === '3.13'
}

/** pyenv's own `python3.13` in PATH may refuse when another version is chosen. */
function pyenvPythons(): string[] {
  const asked = spawnSync('pyenv', ['root'], { encoding: 'utf8' })
  if (asked.status !== 0) return []
  return fs.globSync('versions/3.13*/bin/python3.13', { cwd: asked.stdout.trim() }).map((name) => path.join(asked.stdout.trim(), name))
}

function uvPython(): string | null {
  if (spawnSync('uv', ['python', 'install', '3.13'], { stdio: 'ignore', timeout: INSTALL_MS }).status !== 0) return null
  const found = spawnSync('uv', ['python', 'find', '3.13'], { encoding: 'utf8' }).stdout.trim()
  return isPython313(found) ? found : null
}

/** Tells one Python from another that took its place. */
function installation(program: string): string {
  return execFileSync(program, ['-c', 'import sys; print(sys.base_prefix, sys.version)'], { encoding: 'utf8' })
}

function run(program: string, args: readonly string[]): void {
  const ended = spawnSync(program, args, { stdio: ['ignore', 'ignore', 'pipe'], encoding: 'utf8', timeout: INSTALL_MS })
  if (ended.status === 0) return
  throw new Error(
    `${path.basename(program)} ${args.slice(0, 3).join(' ')} failed: ${ended.stderr.trim().split('\n').at(-1) || ended.error}`,
  )
}
