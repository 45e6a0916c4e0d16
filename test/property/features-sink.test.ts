import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { type CommandIo, parseCommand } from '../../cli/command.ts'
import { features } from '../../cli/commands/features.ts'
import { FeatureSink } from '../../core/features/feature-sink.ts'
import { CsvRows } from '../../core/features/rows/csv-rows.ts'
import type { RowTarget } from '../../core/features/rows/row-target.ts'
import { isoMicros } from '../../core/instant.ts'
import type { MessageBatch } from '../../core/message/batch.ts'
import { BatchSource } from '../../core/message/source.ts'
import { ReplayPipeline } from '../../core/pipeline/replay-pipeline.ts'
import type { ColumnSpec } from '../../core/table/column-buffer.ts'
import { randomStream, runFeatures, type StreamMessage, toBatch, toMessage } from '../support/feature-stream.ts'
import { makeLog } from '../support/made-log.ts'
import { readWithHyparquet } from '../support/parquet.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder('features')
const TIMES = ['ts', 'bar_start', 'bar_end']
const COLUMNS = 'mid,imbalance:2,count,top:1'
const stream = randomStream(21, { messages: 150, gaps: true })
const expected = runFeatures(stream, COLUMNS, { trigger: { every: '1s', bestPrice: true } }).rows

/** The stream as a source of a few batches. */
class StreamSource extends BatchSource {
  #at = 0
  readonly #stream: readonly StreamMessage[]
  constructor(messages: readonly StreamMessage[]) {
    super()
    this.#stream = messages
  }
  protected readBatch(): MessageBatch | null {
    if (this.#at >= this.#stream.length) return null
    this.#at += 40
    return toBatch(this.#stream.slice(this.#at - 40, this.#at))
  }
  protected seekSeq(): boolean {
    return false
  }
  protected seekTimestamp(): boolean {
    return false
  }
  async close(): Promise<void> {}
}

async function write(options: { parquet: string } | { csv: string }): Promise<void> {
  const sink = new FeatureSink({ columns: COLUMNS, trigger: '1s,best', ...options })
  const { written } = await ReplayPipeline.fromSource(new StreamSource(stream)).sink(sink).run()
  expect(written).toEqual({ features: stream.length })
  expect(sink.stats.rows).toBe(expected.length)
}

describe('FeatureSink', () => {
  it('writes Parquet', async () => {
    const file = path.join(folder, 'rows.parquet')
    await write({ parquet: file })
    expect(await readWithHyparquet(file)).toEqual(expected)
    expect(fs.existsSync(`${file}.tmp`)).toBe(false)
  })

  it('writes CSV', async () => {
    const file = path.join(folder, 'rows.csv')
    await write({ csv: file })
    const [header, ...lines] = fs.readFileSync(file, 'utf8').trimEnd().split('\n')
    expect(header!.split(',')).toEqual(Object.keys(expected[0]!))
    expect(lines).toEqual(
      expected.map((row) =>
        Object.entries(row)
          .map(([name, value]) => (value === null ? '' : TIMES.includes(name) ? isoMicros(value as bigint) : String(value)))
          .join(','),
      ),
    )
  })

  it('a run that fails leaves no Parquet file', async () => {
    const sink = new FeatureSink({ columns: 'mid', trigger: 'event', parquet: path.join(folder, 'failed.parquet'), onGap: 'abort' })
    await expect(ReplayPipeline.fromSource(new StreamSource(stream)).sink(sink).run()).rejects.toMatchObject({ code: 'sequence-gap' })
    expect(fs.readdirSync(folder).filter((name) => name.startsWith('failed'))).toEqual([])
  })

  it('needs one place to write to', () => {
    expect(() => new FeatureSink({ columns: 'mid', trigger: 'event' })).toThrow(expect.objectContaining({ code: 'feature-target' }))
    expect(() => new FeatureSink({ columns: 'mid', trigger: 'event', csv: 'a', parquet: 'b' })).toThrow(
      expect.objectContaining({ code: 'feature-target' }),
    )
  })

  it('says in its own terms that a file cannot be made', () => {
    const parquet = path.join(folder, 'no', 'such.parquet')
    expect(() => new FeatureSink({ columns: 'mid', trigger: 'event', parquet })).toThrow(
      expect.objectContaining({ code: 'output-failed', category: 'input' }),
    )
  })
})

describe('row targets', () => {
  const specs: ColumnSpec[] = [
    { name: 'f', type: 'f64', nullable: true },
    { name: 'i', type: 'i64', nullable: true },
    { name: 'n', type: 'i32' },
    { name: 'b', type: 'bool', nullable: true },
  ]
  const COUNT = 40_000
  const values = (row: number): [number, bigint, number, boolean] => [
    row / 8,
    BigInt(row % 5 === 0 ? -row * 2 ** 33 : row),
    -row,
    row % 2 === 0,
  ]
  const fill = async (target: RowTarget): Promise<void> => {
    for (let row = 0; row < COUNT; row++) {
      const [f, i, n, b] = target.columns as Required<RowTarget['columns']>
      const [float, long, int, bool] = values(row)
      const at = target.row
      n!.i32[at] = int
      if (row % 3 !== 0) {
        f!.f64[at] = float
        f!.valid![at] = 1
        i!.words[2 * at] = Number(BigInt.asUintN(32, long))
        i!.words[2 * at + 1] = Number(BigInt.asUintN(32, long >> 32n))
        i!.valid![at] = 1
        b!.bools[at] = bool ? 1 : 0
        b!.valid![at] = 1
      }
      target.endRow()
    }
    await target.close()
  }

  it('of CSV: negative numbers, NULL, more rows than a block', async () => {
    const file = path.join(folder, 'targets.csv')
    await fill(new CsvRows({ path: file }, specs))
    const lines = fs.readFileSync(file, 'utf8').trimEnd().split('\n')
    expect(lines.length).toBe(COUNT + 1)
    for (const row of [0, 1, 5, 10, 39_998, 39_999]) {
      const [f, i, n, b] = values(row)
      expect(lines[row + 1]).toBe(row % 3 === 0 ? `,,${Object.is(n, -0) ? 0 : n},` : `${f},${i},${n},${b}`)
    }
  })
})

describe('features command', () => {
  const log = path.join(folder, 'log')
  makeLog(log, stream.map(toMessage))
  const run = async (...argv: string[]): Promise<{ out: string; err: string }> => {
    const text = { out: '', err: '' }
    const io: CommandIo = {
      out: (data) => {
        text.out += String(data)
      },
      err: (data) => {
        text.err += data
      },
      redraws: false,
      outIsTerminal: false,
    }
    expect(await features.run(parseCommand(features, argv), io)).toBe(0)
    return text
  }

  it('writes the table, and its stats as JSON', async () => {
    const file = path.join(folder, 'cli.parquet')
    const { out } = await run(log, '--every', '1s', '--trigger', 'best', '--columns', COLUMNS, '--parquet', file, '--json')
    expect(JSON.parse(out)).toMatchObject({
      read: stream.length,
      rows: expected.length,
      columns: expect.arrayContaining(['mid', 'imbalance_2']),
      late: 0,
    })
    const rows = await readWithHyparquet(file)
    expect(rows.map(({ seq: _seq, ...row }) => row)).toEqual(expected.map(({ seq: _seq, ...row }) => row))
  })

  it('ends with a summary and the next command', async () => {
    const file = path.join(folder, 'cli2.parquet')
    const { out, err } = await run(log, '--trigger', '10', '--columns', 'bar', '--parquet', file)
    expect(out).toBe('')
    expect(err).toMatch(/gaps: record_seq_gap \d+[\s\S]*rows of [\s\S]*next: chronicle-replay query/)
  })

  it.each([
    [['--every', '1s', '--csv', 'x'], 'usage'],
    [['--columns', 'mid', '--csv', 'x'], 'usage'],
    [['--columns', 'mid', '--every', '1s'], 'usage'],
    [['--columns', 'mad', '--every', '1s', '--csv', 'x'], 'column-unknown'],
    [['--columns', 'mid', '--every', '1s', '--trigger', '2s', '--csv', 'x'], 'trigger'],
    [['--columns', 'mid', '--trigger', 'best', '--clock', 'exchange', '--csv', 'x'], 'clock-without-bars'],
  ])('%j is refused as %s', async (argv, code) => {
    await expect(run(log, ...argv)).rejects.toMatchObject({ code, category: 'input' })
    expect(fs.existsSync('x')).toBe(false)
  })
})
