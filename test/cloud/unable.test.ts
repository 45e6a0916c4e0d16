import { spawnSync } from 'node:child_process'
import { createRequire } from 'node:module'
import path from 'node:path'
import { expect, test } from 'vitest'

const ROOT = path.resolve(import.meta.dirname, '../..')
const VITEST = path.join(path.dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
const ADVICE = /LocalStack needs Python 3\.13 .* or a docker engine on Linux, and found neither; `uv python install 3\.13`/

/** Runs a program where neither Python nor docker nor any other program is. */
function runWithout(args: readonly string[], env: NodeJS.ProcessEnv = {}): { status: number | null; text: string } {
  const ended = spawnSync(process.execPath, args, { cwd: ROOT, env: { PATH: '/nowhere', ...env }, encoding: 'utf8' })
  return { status: ended.status, text: ended.stdout + ended.stderr }
}

test('local:up says in one line what to install', () => {
  const { status, text } = runWithout(['localstack/up.ts', '4999'])
  expect(status).toBe(1)
  const lines = text.trim().split('\n')
  expect(lines.at(-1)).toMatch(ADVICE)
  expect(lines.filter((line) => line.includes('LocalStack needs'))).toHaveLength(1)
})

test('the tests are skipped with that line, and under CI they fail with it', () => {
  const suite = [VITEST, 'run', '--project', 'cloud', 'test/cloud/loopback.test.ts']
  const skipped = runWithout(suite)
  expect(skipped.text).toMatch(ADVICE)
  expect(skipped.status).toBe(0)
  const failed = runWithout(suite, { CI: 'true' })
  expect(failed.text).toMatch(ADVICE)
  expect(failed.status).not.toBe(0)
})
