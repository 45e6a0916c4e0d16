import { spawnSync } from 'node:child_process'
import { pythonEnvironment } from '../../localstack/python-environment.ts'
import { orSkip } from './or-skip.ts'

/**
 * A Python that has the packages of a lock, in a virtual environment that is made once and kept until the lock changes. Null,
 * after one line that says why, where there is no Python or no way to install; under CI that is an error.
 * @param what the packages are called in that line @param requirements file with exact versions and hashes
 */
export function lockedPython(what: string, requirements: string): string | null {
  return orSkip(what, () => pythonEnvironment(findPython(), requirements))
}

/** The newest CPython that the locks have wheels for. */
function findPython(): string {
  for (const program of ['python3.13', 'python3.12', 'python3.11', 'python3']) {
    const asked = spawnSync(program, ['-c', 'import sys; print("%d.%d" % sys.version_info[:2])'], { encoding: 'utf8' })
    if (asked.status === 0 && /^3\.1[123]$/.test(asked.stdout.trim())) return program
  }
  throw new Error('expected python3 of version 3.11 to 3.13 in PATH, found none')
}
