import { createHash } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { writeFixedPayloadLog } from '../../core/synthetic/fixed-payload-log.ts'
import { SyntheticSource } from '../../core/synthetic/synthetic-source.ts'

const OPTIONS = { symbols: 2, messages: 3000, seed: 5, gaps: 7 }
let root = ''

beforeAll(() => {
  root = fs.mkdtempSync(path.join(os.tmpdir(), 'synthetic-archive-'))
})
afterAll(() => {
  fs.rmSync(root, { recursive: true, force: true })
})

describe('generateArchive', () => {
  test('the same options give the same bytes, another seed others', async () => {
    const hashes = []
    for (const [name, seed] of [
      ['a', 5],
      ['b', 5],
      ['c', 6],
    ] as const) {
      await generateArchive(path.join(root, name), { ...OPTIONS, seed })
      hashes.push(hashOf(path.join(root, name)))
    }
    expect(hashes[1]).toEqual(hashes[0])
    expect(hashes[2]).not.toEqual(hashes[0])
  })

  test('lays out sealed segments, indexes and meta.json, and every record reads back', async () => {
    const archive = path.join(root, 'layout')
    const result = await generateArchive(archive, { ...OPTIONS, days: 3, from: '2024-02-28', segmentBytes: 64 * 1024 })
    expect(result.messages).toBe(6000)
    expect(result.gaps.length).toBe(7)
    const symbols = path.join(archive, 'v1', 'synthetic')
    expect(fs.readdirSync(symbols)).toEqual(['btcusdt', 'ethusdt'])
    expect(fs.readdirSync(path.join(symbols, 'btcusdt'))).toEqual(['2024-02-28', '2024-02-29', '2024-03-01'])
    let messages = 0
    let gaps = 0
    for (const log of logsOf(archive)) {
      const reader = await ReplayReader.open(log)
      let min = 2n ** 64n
      let max = 0n
      for await (const { timestampNs } of reader) {
        messages++
        if (timestampNs < min) min = timestampNs
        if (timestampNs > max) max = timestampNs
      }
      expect(reader.issues).toEqual([])
      expect(reader.segmentsRead.every(({ sealed }) => sealed)).toBe(true)
      const text = fs.readFileSync(path.join(log, 'meta.json'), 'utf8')
      expect(/"event_time_range": \[\s*(\d+),\s*(\d+)\s*\]/.exec(text)?.slice(1)).toEqual([String(min), String(max)])
      const meta = JSON.parse(text)
      expect(meta).toMatchObject({
        venue: 'synthetic',
        symbol_code: path.basename(path.resolve(log, '../..')),
        completeness: 'sealed',
        venue_id: 100,
      })
      expect(meta.stream_id).toBe({ book: 1, trades: 2, ticker: 3 }[path.basename(log)])
      expect(Number.isInteger(meta.price_scale)).toBe(path.basename(log) === 'book')
      gaps += meta.gaps?.length ?? 0
    }
    expect([messages, gaps]).toEqual([6000, 7])
  })

  test('L3 archives have a stream l3', async () => {
    const archive = path.join(root, 'l3')
    await generateArchive(archive, { symbols: 1, messages: 2000, seed: 1, level: 'l3' })
    expect(fs.readdirSync(path.join(archive, 'v1/synthetic/btcusdt/2024-01-01'))).toEqual(['l3', 'ticker', 'trades'])
  })

  test('never writes into an archive that is there', async () => {
    await expect(generateArchive(path.join(root, 'l3'), OPTIONS)).rejects.toMatchObject({ code: 'archive-exists', category: 'input' })
    await expect(generateArchive(path.join(root, 'none'), { ...OPTIONS, symbols: 0 })).rejects.toMatchObject({ code: 'generate-option' })
  })
})

test('a fixed-payload log alternates types and ascends', async () => {
  const log = path.join(root, 'fixed')
  expect(writeFixedPayloadLog(log, { messages: 3000, segmentBytes: 64 * 1024 })).toEqual({ messages: 3000, bytes: 384_000 })
  let count = 0
  let previous = 0n
  for await (const message of await ReplayReader.open(log)) {
    expect(message.typeId).toBe(count++ % 2 === 0 ? 0x1001 : 0x1002)
    expect(message.length).toBe(64)
    expect(message.timestampNs > previous && message.view.getBigUint64(message.payloadOffset, true) === message.timestampNs).toBe(true)
    previous = message.timestampNs
  }
  expect(count).toBe(3000)
})

describe('SyntheticSource', () => {
  const ofArchive = { messages: 6000, seed: 5 }
  const options = { ...ofArchive, index: 0 }

  test('gives what the archive holds, stream by stream', async () => {
    const archive = path.join(root, 'source')
    await generateArchive(archive, { ...ofArchive, symbols: 1 })
    const fromSource = new Map<number, bigint[]>()
    let seq = 0n
    for await (const message of new SyntheticSource(options)) {
      expect(message.seq).toBe(seq++)
      append(fromSource, message.typeId, message.timestampNs + BigInt(message.crc32))
    }
    const fromArchive = new Map<number, bigint[]>()
    for (const log of logsOf(archive)) {
      for await (const message of await ReplayReader.open(log))
        append(fromArchive, message.typeId, message.timestampNs + BigInt(message.crc32))
    }
    expect(seq).toBe(6000n)
    expect(fromSource).toEqual(fromArchive)
  })

  test('seeks by sequence and time, forwards and back', async () => {
    const source = new SyntheticSource({ ...options, stepBack: 0 })
    for (const seq of [5000n, 0n, 17n, 5999n]) {
      expect(await source.seekToSeq(seq)).toBe(true)
      expect((await source.next())?.seq).toBe(seq)
    }
    const day2 = 1_704_153_600_000_000_000n
    expect(await source.seekToTimestamp(day2)).toBe(true)
    expect((await source.next())?.seq).toBe(3000n)
    expect((await source.next())?.seq).toBe(3001n)
    expect(await source.seekToSeq(6000n)).toBe(false)
    expect(await source.next()).toBeNull()
  })

  test('nothing comes after close', async () => {
    const source = new SyntheticSource(options, true)
    expect(await source.nextBatch()).not.toBeNull()
    await source.close()
    expect(await source.nextBatch()).toBeNull()
  })
})

function append(lists: Map<number, bigint[]>, key: number, value: bigint): void {
  const list = lists.get(key)
  if (list === undefined) lists.set(key, [value])
  else list.push(value)
}

function logsOf(archive: string): string[] {
  const names = fs.readdirSync(archive, { recursive: true, encoding: 'utf8' }).sort()
  return names.filter((name) => name.endsWith('meta.json')).map((name) => path.join(archive, path.dirname(name)))
}

function hashOf(directory: string): string {
  const hash = createHash('sha256')
  for (const name of fs.readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort()) {
    const file = path.join(directory, name)
    hash.update(name)
    if (fs.statSync(file).isFile()) hash.update(fs.readFileSync(file))
  }
  return hash.digest('hex')
}
