import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, expect, it } from 'vitest'
import { CHECKED_FOLDER } from '../../core/plan/run/checked-code.ts'
import type { CheckTally } from '../../core/plan/run/partition-check.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { writeQuietArchive } from '../support/quiet-archive.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('run-check')
const quiet = path.join(root, 'quiet')
const lively = path.join(root, 'lively')
let tables = 0

beforeAll(async () => {
  writeQuietArchive(quiet)
  await generateArchive(lively, { symbols: 2, messages: 4000, seed: 6, days: 2, segmentBytes: 65_536 })
})

function moduleOf(name: string, spec: string, top = ''): string {
  const file = path.join(root, `${name}.ts`)
  fs.writeFileSync(file, `import { defineJob } from 'chronicle-replay'\n${top}\nexport default defineJob({ name: '${name}', ${spec} })\n`)
  return file
}

interface Ran {
  readonly code: number
  readonly err: string
  readonly table: string
  readonly document: {
    readonly run: string
    readonly state: string
    readonly rows: number
    readonly version: number
    readonly check?: CheckTally
  }
}

async function run(job: string, archive: string, ...more: string[]): Promise<Ran> {
  const table = path.join(root, `table-${tables++}`)
  return runInto(table, job, archive, ...more)
}

async function runInto(table: string, job: string, archive: string, ...more: string[]): Promise<Ran> {
  const words = ['run', job, '--archive', archive, '--table', table, '--workers', '1', '--no-types', '--json', ...more]
  const { code, out, err } = await runCli(...words)
  return { code, err, table, document: JSON.parse(out) as Ran['document'] }
}

const HOURLY = `streams: ['trades'], params: { every: '1h' }, fill: true, trigger: (p) => ({ every: p.every }), columns: { last: 'f64' },`
const LAST = `create() { let last = NaN; return { trade(t) { last = t.price }, row(out) { out.last = last } } }`

it('state that outlives its window: told, refused, and taken only when asked for', async () => {
  const job = moduleOf('filled', HOURLY + LAST)
  const { code, err, document, table } = await run(job, quiet, '--slice', '6h')
  expect(code, err).toBe(2)
  expect(err).toContain('error state-outlives-window: ')
  expect(err).toMatch(/column last of row 2024-03-.*warmUp.*session.*reset\(\).*last_price/)
  expect(err).toContain(`seed ${document.run}`)
  expect(document).toMatchObject({ state: 'refused', rows: 0, version: -1, check: { seed: document.run } })
  expect(document.check!.findings[0]).toMatchObject({ code: 'state-outlives-window', job: 'filled', column: 'last' })
  expect(fs.existsSync(path.join(table, '_delta_log'))).toBe(false)
  const again = await runCli('resume', document.run, '--table', table, '--json')
  expect(again.code).toBe(2)
  const taken = await runCli('resume', document.run, '--table', table, '--check', 'off', '--json')
  expect(taken.code, taken.err).toBe(0)
  expect(JSON.parse(taken.out)).toMatchObject({ rows: 72, version: 0 })
  // Nothing says that this code is right.
  expect(fs.existsSync(path.join(table, CHECKED_FOLDER))).toBe(false)
  const off = await run(job, quiet, '--check', 'off')
  expect(off).toMatchObject({ code: 0, document: { rows: 72, version: 0 } })
  expect(off.document.check).toBeUndefined()
})

it('a session begins anew each UTC day, and has the day whatever the slice', async () => {
  const job = moduleOf('fresh', `session: 'day', ${HOURLY}${LAST}`)
  const expected = [
    // Hours with a price: from 05:00 on; from 00:00 on; the last one.
    { date: '2024-03-09', n: '19' },
    { date: '2024-03-11', n: '24' },
    { date: '2024-03-12', n: '1' },
  ]
  for (const slice of ['1d', '1h']) {
    const { table } = await run(job, quiet, '--slice', slice)
    const { out } = await runCli(
      'query',
      table,
      'select date, count(last)::varchar as n from t group by all order by all',
      '--format',
      'json',
    )
    expect(JSON.parse(out)).toMatchObject(expected)
  }
})

it('code is checked once in a table, unless it is asked for', async () => {
  const job = moduleOf('features', `${HOURLY} features: () => ({ last: 'last_price:12h' })`)
  const table = path.join(root, `table-${tables++}`)
  const first = await runInto(table, job, quiet, '--to', '2024-03-10')
  expect(first.document.check).toMatchObject({ partitions: 1, findings: [] })
  expect((await runInto(table, job, quiet, '--from', '2024-03-10', '--to', '2024-03-12')).document.check).toBeUndefined()
  const asked = await runInto(table, job, quiet, '--check', '2', '--param', 'every=2h')
  expect(asked.document.check).toMatchObject({ partitions: 2 })
  // Built-in jobs are tested; they are checked when asked.
  expect((await run('bars', lively)).document.check).toBeUndefined()
  expect((await run('bars', lively, '--check', '1')).document.check).toMatchObject({ partitions: 1, findings: [] })
})

it('refuses what is no number of partitions', async () => {
  const { code, err } = await runCli('run', 'bars', '--archive', lively, '--table', path.join(root, 'none'), '--check', 'all')
  expect([code, err]).toEqual([2, expect.stringContaining('--check: expected a number of partitions, or off')])
})
