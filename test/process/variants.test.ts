import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder('variants')
const archive = path.join(folder, 'archive')
const table = path.join(folder, 'table')
const job = path.join(folder, 'sizes.ts')

const write = (factor: number): void =>
  fs.writeFileSync(
    job,
    `import { defineJob } from 'chronicle-replay'
export default defineJob({ name: 'sizes', streams: ['trades'], params: { depth: 1 }, columns: { v: 'f64' }, trigger: { every: '1h' },
  create({ depth }) { return { row(out) { out.v = depth * ${factor} } } } })\n`,
  )

const command = (name: string, ...more: string[]) => runCli(name, job, '--archive', archive, '--table', table, '--no-types', ...more)
const sums = async (...more: string[]) =>
  JSON.parse(
    (await runCli('query', table, 'select depth, sum(v) / count(*) as v from t group by all order by all', '--json', ...more)).out,
  ) as unknown

beforeAll(async () => {
  await runCli('generate', archive, '--symbols', '1', '--messages', '6000', '--days', '2')
})

describe('variants of other code', () => {
  it('are told of by run, plan, query and report, listed, and made anew', async () => {
    write(1)
    expect((await command('run', '--param', 'depth=1,3')).code).toBe(0)
    const first = JSON.parse((await command('run', '--param', 'depth=2', '--json')).out) as { run: string; rows: number }
    expect(first.rows).toBeGreaterThan(20)
    expect((await runCli('query', table, 'select 1')).err).toBe('')

    write(10)
    const planned = await command('plan', '--param', 'depth=2')
    expect(planned.err).toMatch(/note: 2 of the 3 variants of the table are of other code than this run .* --all-variants makes them anew/)
    const ran = await command('run', '--param', 'depth=2', '--json')
    expect(ran.err).toContain('note: 2 of the 3 variants of the table are of other code')
    expect(JSON.parse(ran.out)).toMatchObject({ otherCode: 2, rows: first.rows })
    expect(await sums()).toEqual([
      { depth: 1, v: 1 },
      { depth: 2, v: 20 },
      { depth: 3, v: 3 },
    ])
    const told = /2 of the 3 live variants have rows of other code than run \S+, the newest/
    expect((await runCli('query', table, 'select 1')).err).toMatch(told)
    expect((await runCli('query', table, 'select 1', '--quiet')).err).toBe('')
    expect((await runCli('report', table, '--out', path.join(folder, 'r.html'))).err).toMatch(told)
    // Nothing is to be done for this one, and the others are still told of.
    const again = await command('run', '--param', 'depth=2')
    expect(again.err).toMatch(/2 of the 3 variants[\s\S]*nothing to do/)

    const listed = await runCli('variants', table)
    expect(listed.out).toMatch(/depth=1 +[0-9a-f]{8} +older +2 +\d\d /)
    expect(listed.out).toMatch(/depth=2 +[0-9a-f]{8} +newest +2 +\d\d /)
    const rows = JSON.parse((await runCli('variants', table, '--json')).out) as {
      params: { depth: number }
      isOlder: boolean
      rows: number
    }[]
    expect(Object.fromEntries(rows.map(({ params, isOlder }) => [params.depth, isOlder]))).toEqual({ 1: true, 2: false, 3: true })

    const all = await command('run', '--all-variants', '--json')
    expect(JSON.parse(all.out)).toMatchObject({ partitions: { stale: 2 }, rows: 2 * first.rows })
    expect(all.out).not.toContain('otherCode')
    expect(await sums()).toEqual([
      { depth: 1, v: 10 },
      { depth: 2, v: 20 },
      { depth: 3, v: 30 },
    ])
    expect((await runCli('query', table, 'select 1')).err).toBe('')
    expect(await sums('--as-of', first.run)).toEqual([
      { depth: 1, v: 1 },
      { depth: 2, v: 2 },
      { depth: 3, v: 3 },
    ])
  })

  it('are told of in part where only some of the days were made anew', async () => {
    write(100)
    expect((await command('run', '--all-variants', '--from', '2024-01-01', '--to', '2024-01-02')).code).toBe(0)
    expect((await runCli('variants', table)).out.match(/in part older/g)).toHaveLength(3)
    expect((await runCli('query', table, 'select 1')).err).toContain('3 of the 3 live variants have rows of other code')
  })

  it('cannot be made anew by a job of other parameters', async () => {
    fs.writeFileSync(job, fs.readFileSync(job, 'utf8').replace('depth: 1', 'depth: 1, more: 2'))
    const { code, err } = await command('plan', '--all-variants')
    expect([code, err]).toEqual([2, expect.stringMatching(/error variant-params: .*"depth":\d/)])
  })
})
