import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, test } from 'vitest'
import { commandsOf, docBlocks } from '../support/doc-blocks.ts'
import { lockedJars } from '../support/locked-maven.ts'
import { lockedPython } from '../support/locked-python.ts'
import { PageShell } from '../support/page-shell.ts'
import { runCli } from '../support/run-cli.ts'

/** On demand, as it installs 430 MB: CHRONICLE_SPARK=1 npx vitest run test/interop/spark.test.ts */
const isAsked = process.env.CHRONICLE_SPARK === '1'
const python = isAsked ? lockedPython('Spark', path.join(import.meta.dirname, 'spark-requirements.txt')) : null
const jars = isAsked ? lockedJars('Delta Lake for Spark', path.join(import.meta.dirname, 'spark-maven.lock')) : null

type Figures = readonly [type: string, count: string, first: string | null, last: string | null]

interface Found {
  /** What its vectorised reader says. */
  readonly vectorised: string | null
  readonly page: { readonly types: readonly (readonly [string, string])[]; readonly first: string; readonly rows: number }
  readonly tables: Readonly<Record<string, Readonly<Record<string, Figures>>>>
}

/** The figures of read_spark.py in the SQL of `query`. */
const FIGURES: Readonly<Record<string, readonly [string, string]>> = {
  bigint: ['sum(#)', 'sum(abs(#::hugeint))'],
  int: ['sum(#)', 'sum(abs(#))'],
  double: ['sum(#)', 'sum(abs(#))'],
  timestamp: ['min(epoch_us(#))', 'max(epoch_us(#))'],
  date: ['min(#)', 'max(#)'],
  boolean: ['count_if(#)', 'count_if(not #)'],
  string: ['sum(length(#))', 'count(distinct #)'],
}
const EXAMPLES = ['bars-job', 'book-features-job', 'flow-job', 'grid-backtest-job', 'signal-sweep-job']
/** A day of an instrument: a row every second, in some of them. */
const PART = ['--symbols', 'btcusdt', '--to', '2024-01-02', '--check', 'off']
const TABLES = ['bars', 'trades', ...EXAMPLES]

describe.skipIf(python === null || jars === null)('Spark reads the tables of the page and of the examples', () => {
  const shell = new PageShell('spark')
  const blocks = docBlocks(fs.readFileSync(path.resolve(import.meta.dirname, '../../docs/tables.md'), 'utf8'))
  let found: Found

  beforeAll(() => {
    for (const line of commandsOf(blocks.find(({ kind }) => kind === 'sh')!)) shell.printed('sh', '-c', line)
    for (const name of EXAMPLES) {
      const job = path.resolve(import.meta.dirname, '../../examples', `${name}.ts`)
      shell.printed('npx', 'chronicle-replay', 'run', job, '--archive', 'archive', '--table', name, ...PART)
    }
    const page = blocks.find(({ kind, text }) => kind === 'py' && text.includes('spark.conf'))!
    const script = path.join(import.meta.dirname, 'read_spark.py')
    const ended = spawnSync(python!, [script, jars!.join(','), ...TABLES], {
      ...{ cwd: shell.cwd, input: page.text, encoding: 'utf8', maxBuffer: 2 ** 28 },
      // Its addresses are of this machine alone.
      env: { ...process.env, SPARK_LOCAL_IP: '127.0.0.1' },
    })
    expect(ended.status, ended.stderr).toBe(0)
    found = JSON.parse(ended.stdout.trim().split('\n').at(-1)!) as Found
  })

  test('the lines of the page: times are times', () => {
    expect(found.page.types).toContainEqual(['ts', 'timestamp'])
    expect(found.page).toMatchObject({ rows: 96, first: '2024-01-01 01:00:00' })
  })

  test('its vectorised reader does not know an encoding, as the page says', () => {
    expect(found.vectorised).toContain('Unsupported encoding: BYTE_STREAM_SPLIT')
  })

  test.each(TABLES)('%s: the same columns, counts and sums', async (table) => {
    const columns = Object.entries(found.tables[table]!)
    expect(columns.find(([name]) => name === 'ts')![1][0]).toBe('timestamp')
    expect(Number(columns.find(([name]) => name === 'ts_ns')![1][1])).toBeGreaterThan(0)
    const asked = columns.flatMap(([name, [type]], i) =>
      ['count(#)', ...FIGURES[type]!].map((figure, k) => `(${figure.replaceAll('#', `"${name}"`)})::varchar as c${i}_${k}`),
    )
    const { code, out, err } = await runCli('query', path.join(shell.cwd, table), `select ${asked.join(', ')} from t`, '--json')
    expect(code, err).toBe(0)
    const ours = Object.values((JSON.parse(out) as Record<string, string | null>[])[0]!)
    for (const [i, [name, [type, ...theirs]]] of columns.entries()) {
      const own = ours.slice(3 * i, 3 * i + 3)
      if (type !== 'double') expect([name, theirs]).toEqual([name, own])
      else {
        expect([name, theirs[0]]).toEqual([name, own[0]])
        // Threads add up in an order of their own.
        for (const [k, value] of theirs.entries())
          expect(Math.abs(Number(value) - Number(own[k])), name).toBeLessThanOrEqual(1e-9 * Number(own[2] ?? 0))
      }
    }
  })
})
