import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { dropVariants } from '../../core/commit/drop-variants.ts'
import { FileStore } from '../../core/store/file-store.ts'
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

describe('variants drop', () => {
  const swept = path.join(folder, 'swept')
  const out = (name: string, ...more: string[]) => runCli(name, swept, ...more)
  const told = async (...more: string[]) =>
    JSON.parse((await out('query', COUNTS, '--json', ...more)).out) as { depth: number; n: number }[]
  const COUNTS = 'select depth, count(*) as n, round(sum(v), 6) as v from t group by all order by all'
  const run = async (depth: string, ...more: string[]) => {
    const argv = ['--archive', archive, '--table', swept, '--param', `depth=${depth}`, '--no-types', '--check', 'off', '--json', ...more]
    const { code, out } = await runCli('run', swept.replace('swept', 'sweep.ts'), ...argv)
    expect(code).toBe(0)
    return JSON.parse(out) as { run: string; rows: number; partitions: Record<string, number> }
  }

  it('takes rows out of parts that others share, as a commit, and all that stays is done as before', async () => {
    // Values of each type; variants of depth 1 to 3 ran together, that of depth 4 alone; all of it lies in one part.
    fs.writeFileSync(
      path.join(folder, 'sweep.ts'),
      `import { defineJob } from 'chronicle-replay'
export default defineJob({ name: 'sweep', streams: ['trades'], params: { depth: 1 }, trigger: { every: '1h' },
  columns: { v: 'f64', n: 'i64', k: 'i32', is: 'bool', word: 'string', none: 'f64' },
  create({ depth }) {
    let count = 0
    return {
      reset() { count = 0 },
      trade() { count++ },
      row(out) {
        out.v = depth / 3 + count; out.n = 2n ** 60n + BigInt(count); out.k = -depth; out.is = depth > 1
        out.word = count % 2 === 0 ? null : 'w' + (count % 5)
        count = 0
      },
    }
  } })\n`,
    )
    const all = await run('1,2,3')
    const more = await run('4')
    expect((await runCli('optimize', swept)).code).toBe(0)
    const before = await told()
    expect(before.map(({ depth }) => depth)).toEqual([1, 2, 3, 4])
    // What the table would be, had only these run.
    const apart = path.join(folder, 'apart')
    await runCli('run', path.join(folder, 'sweep.ts'), '--archive', archive, '--table', apart, '--param', 'depth=1,3', '--no-types')

    const dropped = await out('variants', '--json')
    const listed = JSON.parse(dropped.out) as { variant: string; params: { depth: number } }[]
    const two = listed.find(({ params }) => params.depth === 2)!.variant
    const first = await runCli('variants', 'drop', swept, 'depth=2')
    expect([first.code, first.out]).toEqual([
      0,
      expect.stringMatching(
        new RegExp(`^dropped 1 variant, ${before[1]!.n} rows of 2 partitions \\(1 parts out, 1 in .*version 3\\n  ${two}  depth=2\\n$`),
      ),
    ])
    expect(first.err).toContain('query --as-of RUN')
    const second = JSON.parse((await runCli('variants', 'drop', swept, 'depth=4', '--json')).out) as object
    expect(second).toEqual({
      variants: [expect.any(String)],
      rows: before[3]!.n,
      partitions: 2,
      removedParts: 1,
      addedParts: 1,
      version: 4,
    })

    expect(await told()).toEqual([before[0], before[2]])
    const sumOf = async (table: string) => JSON.parse((await runCli('checksum', table, '--json')).out) as { rows: number; sum: string }
    expect(await sumOf(swept)).toMatchObject({ ...(await sumOf(apart)), version: 4 })
    expect(await told('--as-of', more.run)).toEqual(before)
    expect(await told('--as-of', all.run)).toEqual(before.slice(0, 3))
    const history = await out('runs')
    expect(history.out).toMatch(/DELETE by chronicle-replay/)

    // What stayed is done, and nothing brings the others back but asking for them.
    expect((await run('1,3')).partitions).toMatchObject({ run: 0, stale: 0, cached: 2 })
    expect(await told()).toEqual([before[0], before[2]])
    expect((await run('2')).partitions).toMatchObject({ run: 2, stale: 0 })
    expect(await told()).toEqual(before.slice(0, 3))
  })

  it('leaves what a racing commit brings', async () => {
    const store = new FileStore(swept)
    const lost = new Proxy(store, {
      get(target, name) {
        if (name !== 'put') return Reflect.get(target, name).bind?.(target) ?? Reflect.get(target, name)
        return async (key: string, ...rest: [Uint8Array, 'absent']) => {
          // Another run commits right before the version is put.
          if (key.startsWith('_delta_log/') && !raced) {
            raced = true
            await run('7')
          }
          return target.put(key, ...rest)
        }
      },
    })
    let raced = false
    const live = JSON.parse((await out('variants', '--json')).out) as { variant: string; params: { depth: number } }[]
    const three = live.find(({ params }) => params.depth === 3)!.variant
    const { rows } = await dropVariants(lost, { variants: [three], clock: Date.now, random: Math.random })
    expect(raced && rows > 0).toBe(true)
    expect((await told()).map(({ depth }) => depth)).toEqual([1, 2, 7])
    expect((await run('1,2,7')).partitions).toMatchObject({ run: 0, stale: 0, cached: 2 })
  })

  it('says what it does not know, and drops those of older code', async () => {
    for (const [words, message] of [
      [['depth=9'], 'the table has no variant depth=9; did you mean depth='],
      [['12345'], 'the table has no variant 12345'],
      [[], 'missing <variant>'],
      [['--older'], 'no variant has rows of older code'],
    ] as const) {
      const { code, err } = await runCli('variants', 'drop', swept, ...words)
      expect([code, err]).toEqual([2, expect.stringContaining(message)])
    }
    expect((await runCli('variants', swept, 'depth=1')).err).toContain('variants drop TABLE VARIANT')
    const module = path.join(folder, 'sweep.ts')
    fs.writeFileSync(module, fs.readFileSync(module, 'utf8').replace('/ 3', '/ 4'))
    await run('7')
    expect((await runCli('variants', 'drop', swept, '--older')).out).toContain('dropped 2 variants')
    expect((await told()).map(({ depth }) => depth)).toEqual([7])
    // All of them: the table is there, without rows.
    expect((await runCli('variants', 'drop', swept, 'depth=7')).code).toBe(0)
    expect(await told()).toEqual([])
    expect((await run('1')).rows).toBeGreaterThan(0)
  })
})
