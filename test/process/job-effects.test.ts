import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder('job-effects')
const archive = path.join(folder, 'archive')

beforeAll(async () => {
  await runCli('generate', archive, '--symbols', '1', '--messages', '3000', '--days', '1')
})

/** A job whose rows are this value. */
function jobOf(name: string, value: string, before = ''): string {
  const file = path.join(folder, `${name}.ts`)
  fs.writeFileSync(
    file,
    `import { defineJob } from 'chronicle-replay'
${before}
export default defineJob({ name: '${name}', streams: ['trades'], columns: { v: 'f64' }, trigger: { every: '1h' }, create() { return {
  row(out) { out.v = ${value} },
} } })\n`,
  )
  return file
}

const command = (name: string, job: string, ...more: string[]) =>
  runCli(
    name,
    job,
    '--archive',
    archive,
    '--table',
    path.join(folder, `${path.basename(job, '.ts')}-table`),
    '--no-types',
    '--check',
    'off',
    ...more,
  )

describe('a job that depends on more than messages and parameters', () => {
  it.each([
    ['clock', 'Date.now()', '', /reads the clock \(Date\.now at clock\.ts:4:\d+\)/],
    ['date', 'Number(new Date())', '', /reads the clock \(new Date\(\) at date\.ts:4/],
    ['dice', 'Math.random()', '', /draws at random \(Math\.random at dice\.ts:4/],
    ['files', "readFileSync('/etc/hostname').length", "import { readFileSync } from 'node:fs'", /reaches for files or programs \(node:fs/],
    ['net', '1; void fetch("http://127.0.0.1:9")', '', /reaches for the network \(fetch at net\.ts:4/],
    ['env', 'Number(process.env.X ?? 1)', '', /looks at its environment \(process\.env at env\.ts:4/],
  ])('%s: is told of, kept in the plan, and fails where it is blocked', async (name, value, before, told) => {
    const job = jobOf(name, value, before)
    const planned = await command('plan', job)
    expect([planned.code, planned.err]).toEqual([0, expect.stringMatching(told)])
    const quiet = await command('plan', job, '--effects', 'record', '--json')
    expect(quiet.err).not.toMatch(told)
    expect(JSON.parse(quiet.out)).toMatchObject({ effects: [{ kind: expect.any(String), what: expect.any(String) }] })
    const blocked = await command('run', job, '--effects', 'block')
    expect([blocked.code, blocked.err]).toEqual([2, expect.stringMatching(/error job-effect: .*out of bounds/)])
  })

  it('is not meant where the same gives the same', async () => {
    const job = jobOf(
      'pure',
      'new Date(Number(1e12)).getUTCFullYear() + Math.max(1, Math.sqrt(4)) + basename("a/b").length',
      "import { basename } from 'node:path'",
    )
    for (const effects of ['warn', 'block']) {
      const { code, err } = await command('run', job, '--effects', effects)
      expect([code, err]).toEqual([0, expect.not.stringContaining('--effects')])
    }
    const rows = await runCli('query', path.join(folder, 'pure-table'), 'select distinct v from t', '--json')
    expect(JSON.parse(rows.out)).toEqual([{ v: 2004 }])
    expect(await command('run', job, '--effects', 'blok')).toMatchObject({ code: 2, err: expect.stringContaining('did you mean block?') })
  })
})
