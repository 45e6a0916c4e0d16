import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { describeGolden, goldenJson, goldenPath } from '../golden-data.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder('cli')

const SOL = 'chronicle-rs/trades-8sym/streams/clean/binance-perp/sol-usdt/mixed/queue'

async function json(...argv: string[]): Promise<Record<string, never>> {
  const { code, out, err } = await runCli(...argv, '--json')
  expect([code, err]).toEqual([0, ''])
  return JSON.parse(out) as Record<string, never>
}

describeGolden('command line on golden logs', () => {
  it('inspect: the fields of the contract, 64-bit values as decimal strings', async () => {
    const { summary, segments } = goldenJson<{ summary: Record<string, unknown>; segments: Record<string, unknown>[] }>(
      'chronicle-rs/trades-8sym/expected.sol-usdt.json',
    )
    expect(await json('inspect', goldenPath(SOL))).toEqual({
      messages: summary.count,
      firstSeq: summary.first_seq,
      lastSeq: summary.last_seq,
      firstTimestampNs: summary.first_ts,
      lastTimestampNs: summary.last_ts,
      minTimestampNs: summary.min_ts,
      maxTimestampNs: summary.max_ts,
      byType: summary.by_type,
      payloadBytes: summary.payload_bytes,
      payloadCrc32Xor: summary.payload_crc32_xor,
      payloadCrc32Sum: summary.payload_crc32_sum,
      seqSum: summary.seq_sum,
      timestampXor: summary.ts_xor,
      segments: segments.map(({ flags, records, pad_records, end_offset }, id) => ({
        id,
        sealed: flags === 1,
        compressed: false,
        records,
        padRecords: pad_records,
        endOffset: end_offset,
      })),
    })
  })

  it('inspect --seek-seq and --seek-timestamp: the first message at or after', async () => {
    const { seek } = goldenJson<{ seek: { by_seq: Record<string, unknown>[]; by_timestamp: Record<string, unknown>[] } }>(
      'chronicle-rs/trades-8sym/expected.sol-usdt.json',
    )
    for (const { target, found, seq, ts, type, len, crc } of seek.by_seq) {
      const expected = found === true ? { found, seq, timestampNs: ts, type, length: len, crc32: crc } : { found }
      expect(await json('inspect', goldenPath(SOL), '--seek-seq', String(target))).toEqual(expected)
    }
    const { target, linear_first_ge_seq: first } = seek.by_timestamp[20]!
    expect(await json('inspect', goldenPath(SOL), '--seek-timestamp', String(target))).toMatchObject({ found: true, seq: first })
  })

  it('inspect of an archive: a row per log', async () => {
    const rows = (await json('inspect', goldenPath('archive-real'))) as unknown as Record<string, unknown>[]
    expect(rows).toHaveLength(32)
    const expected = goldenJson<{ ts_range_ns: [string, string] }>('archive-real/expected/okx.btc-usdt.book.json')
    expect(rows.find(({ venue, symbol, stream }) => venue === 'okx' && symbol === 'btc-usdt' && stream === 'book')).toMatchObject({
      date: '2022-05-13',
      segments: 7,
      minTimestampNs: expected.ts_range_ns[0],
      maxTimestampNs: expected.ts_range_ns[1],
      missingSegments: [],
    })
  })

  it('verify: OK or ERR per segment, exit code 3 at damage, in text and JSON', async () => {
    const sound = await runCli('verify', goldenPath('archive-real/v1/kraken'), '--quiet')
    expect(sound.code).toBe(0)
    expect(
      sound.out
        .trim()
        .split('\n')
        .every((line) => line.startsWith('OK ')),
    ).toBe(true)
    for (const [name, code] of [
      ['crc-flip', 'record-crc'],
      ['missing-middle', 'segment-missing'],
      ['bad-idx-magic', 'index-magic'],
      ['truncated-last', 'segment-size'],
    ] as const) {
      const result = await runCli('verify', goldenPath('chronicle-rs/corrupt', name), '--json')
      expect(result.code, name).toBe(3)
      const { segments } = JSON.parse(result.out) as { segments: { ok: boolean; errors: { code: string }[] }[] }
      expect(
        segments.filter(({ ok }) => !ok).map(({ errors }) => errors.at(-1)!.code),
        name,
      ).toEqual([code])
    }
    const text = await runCli('verify', goldenPath('chronicle-rs/corrupt/crc-flip'), '--quiet')
    expect(text.out).toMatch(/ERR .*000000001\.q 890 records\n +error at offset 14016, seq 974: record-crc: payload CRC32/)
  })

  it('replay of the real archive through filters into CSV, Parquet and another log, then SQL', async () => {
    const [csv, parquet, queue] = ['t.csv', 't.parquet', 'q'].map((name) => path.join(folder, name)) as [string, string, string]
    const real = goldenPath('archive-real/v1/binance-usdm')
    const stats = await json('replay', real, '--types', 'trade', '--decode', '--csv', csv, '--parquet', parquet, '--queue', queue)
    const golden = goldenJson<{
      records: number
      payload_crc32_sum: string
      trades: { sum_qty: string; min_price: string; buyer_maker: number }
    }>('archive-real/expected/binance-usdm.btcusdt.trades.json')
    expect(stats).toMatchObject({
      forwarded: golden.records,
      skipped: 0,
      emitted: 0,
      written: { csv: golden.records, parquet: golden.records, queue: golden.records },
    })
    expect(Number(stats.read)).toBe(Number(stats.filtered) + golden.records)

    const { out } = await runCli(
      'query',
      parquet,
      'select count(*) as n, round(sum(qty), 3) as qty, min(price) as low, sum(is_buyer_maker::int) as makers from t',
      '--json',
    )
    expect(JSON.parse(out)).toEqual([
      { n: golden.records, qty: Number(golden.trades.sum_qty), low: Number(golden.trades.min_price), makers: golden.trades.buyer_maker },
    ])
    expect(fs.readFileSync(csv, 'utf8').trim().split('\n')).toHaveLength(golden.records + 1)

    const copy = await json('inspect', queue)
    expect(copy).toMatchObject({
      messages: golden.records,
      payloadCrc32Sum: golden.payload_crc32_sum,
      timestampXor: goldenJson<{ ts_xor: string }>('archive-real/expected/binance-usdm.btcusdt.trades.json').ts_xor,
    })
    const again = await json('replay', queue)
    expect(again.checksum).toEqual(stats.checksum)
  })

  it('replay merges several logs by time, filters by time and symbol, samples', async () => {
    const logs = ['ada-usdt', 'sol-usdt'].map((symbol) =>
      goldenPath(`chronicle-rs/trades-8sym/streams/clean/binance-perp/${symbol}/mixed/queue`),
    )
    const all = await json('replay', ...logs)
    expect(all).toMatchObject({ read: 40_000, forwarded: 40_000, written: {} })
    const queue = path.join(folder, 'merged')
    await json(
      'replay',
      ...logs,
      '--from',
      '2026-01-01T00:00:10Z',
      '--to',
      '2026-01-01T00:00:20Z',
      '--symbols',
      'sol-usdt',
      '--sample',
      '7',
      '--queue',
      queue,
    )
    const part = await json('inspect', queue)
    expect(BigInt(part.minTimestampNs!)).toBeGreaterThanOrEqual(1767225610000000000n)
    expect(BigInt(part.maxTimestampNs!)).toBeLessThan(1767225620000000000n)
    const whole = await json('replay', logs[1]!, '--from', '1767225610000000000', '--to', '1767225620000000000', '--no-pushdown')
    expect(whole).toMatchObject({ read: 20_000 })
    expect(part.messages).toBe(Math.floor(Number(whole.forwarded) / 7))
  })

  it('replay --on-error skip recovers the sound records and keeps the rest as dead letters', async () => {
    const log = goldenPath('chronicle-rs/corrupt/crc-flip')
    const aborted = await runCli('replay', log)
    expect([aborted.code, aborted.out]).toEqual([3, ''])
    expect(aborted.err).toContain('error record-crc: payload CRC32: header says 3263d42c')
    const letters = path.join(folder, 'letters.jsonl')
    const { code, out } = await runCli('replay', log, '--on-error', 'skip', '--dead-letters', letters, '--json', '--quiet')
    expect(code).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ read: 3000, skipped: 1, forwarded: 2999 })
    expect(JSON.parse(fs.readFileSync(letters, 'utf8'))).toMatchObject({ segment: 1, offset: 14016, seq: '974', code: 'record-crc' })
  })
})
