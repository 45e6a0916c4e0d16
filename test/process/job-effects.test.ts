import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { runJob } from '../../core/commit/run-job.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { startProgram } from './child.ts'

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

describe('effects of what is followed, and of runs in one call', () => {
  const day = path.join(archive, 'v1/synthetic/btcusdt/2024-01-01/trades')
  const live = path.join(folder, 'live', 'v1/synthetic/btcusdt/2024-01-01/trades')

  beforeAll(async () => {
    fs.mkdirSync(path.dirname(live), { recursive: true })
    await runCli('replay', day, '--queue', live)
  })

  it('are told of by follow, or fail there', async () => {
    const job = jobOf('followed', 'Date.now()')
    const blocked = await runCli('follow', job, live, '--effects', 'block')
    expect([blocked.code, blocked.err]).toEqual([2, expect.stringMatching(/error job-effect: .*out of bounds/)])
    // A job that fails by itself, so that following ends.
    const ending = jobOf('ending', "((): number => { if (Math.random() < 2) throw new Error('end'); return 1 })()")
    const told = await runCli('follow', ending, live)
    expect([told.code, told.err]).toEqual([2, expect.stringMatching(/note: the job's code draws at random \(Math\.random at ending\.ts:4/)])
    expect((await runCli('follow', ending, live, '--effects', 'record')).err).not.toContain('draws at random')
    expect((await runCli('follow', ending, live, '--effects', 'blok')).err).toContain('did you mean block?')
  })

  it('are kept in the plans of a followed table', async () => {
    const table = path.join(folder, 'followed-table')
    const job = jobOf('kept', 'Number(process.env.X ?? 1)')
    const bin = path.resolve(import.meta.dirname, '../../cli/bin.mjs')
    const child = startProgram(process.execPath, [bin, 'follow', job, live, '--table', table, '--effects', 'record', '--quiet'])
    await vi.waitUntil(() => fs.existsSync(path.join(table, '_delta_log/00000000000000000000.json')), { timeout: 60_000, interval: 100 })
    child.process.kill('SIGINT')
    await child.ended
    const [plan] = fs.globSync('_chronicle/runs/*/plan.json', { cwd: table })
    expect(JSON.parse(fs.readFileSync(path.join(table, plan!), 'utf8'))).toMatchObject({ effects: [{ kind: 'environment' }] })
  })

  it('are warned of by runJob, kept or blocked', async () => {
    const job = jobOf('called', 'Date.now()')
    const warnings: NodeJS.ErrnoException[] = []
    const hear = (warning: Error) => warnings.push(warning)
    process.on('warning', hear)
    const options = { job, archive, workers: 1, check: 'off' } as const
    await runJob({ ...options, table: path.join(folder, 'called-1') })
    await runJob({ ...options, table: path.join(folder, 'called-2'), effects: 'record' })
    process.off('warning', hear)
    expect(warnings.map(({ code }) => code)).toEqual(['CHRONICLE_REPLAY_EFFECTS'])
    expect(warnings[0]!.message).toMatch(/reads the clock \(Date\.now at called\.ts:4/)
    const blocked = runJob({ ...options, table: path.join(folder, 'called-3'), effects: 'block' })
    await expect(blocked).rejects.toThrow(/out of bounds/)
  })
})
