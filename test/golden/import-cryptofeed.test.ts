import fs from 'node:fs'
import path from 'node:path'
import zlib from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { hex32, levelsCrc32 } from '../../core/book/book-digest.ts'
import { L2Book } from '../../core/book/l2-book.ts'
import { localFile } from '../../core/import/files/byte-stream.ts'
import { glanceAt } from '../../core/import/files/glance.ts'
import { cryptofeed } from '../../core/import/formats/cryptofeed.ts'
import type { UnitOptions } from '../../core/import/import-unit.ts'
import type { Recognised } from '../../core/import/importer.ts'
import { TradeView } from '../../core/protocol/trade.ts'
import { describeGolden, goldenJson, goldenPath } from '../golden-data.ts'
import { eachMessage, type Imported, importInto } from '../support/imported.ts'
import { expectRealArchive } from '../support/real-archive.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('import-cryptofeed')
let roots = 0
const FOLDER = 'captures/cryptofeed'

async function read(files: Record<string, string | Uint8Array>, options: Partial<UnitOptions> = {}): Promise<Imported> {
  const folder = path.join(root, String(roots++))
  return importInto(path.join(folder, 'made'), cryptofeed, write(folder, files), options)
}

function write(folder: string, files: Record<string, string | Uint8Array>): string[] {
  fs.mkdirSync(folder, { recursive: true })
  return Object.entries(files).map(([name, text]) => {
    fs.writeFileSync(path.join(folder, name), text)
    return path.join(folder, name)
  })
}

async function recognise(name: string, text: string): Promise<Recognised | null> {
  const [file] = write(path.join(root, String(roots++)), { [name]: text })
  return cryptofeed.recognise(await glanceAt(localFile(file!)), { words: {} })
}

const goldenText = (name: string) => fs.readFileSync(goldenPath(FOLDER, name), 'utf8')
const namesOf = (start: string) =>
  fs
    .readdirSync(goldenPath('archive-real/expected'))
    .filter((name) => name.startsWith(start))
    .map((name) => name.replace('.json', ''))

describeGolden('raw recordings of cryptofeed', () => {
  it.each([
    ['KRAKEN.ws.50.0', 'kraken.', 10, 4269],
    ['OKX.ws.1.0', 'okx.', 9, 290],
  ])('%s', async (file, start, streams, checksums) => {
    const made = await importInto(path.join(root, String(roots++)), cryptofeed, [goldenPath(FOLDER, file)])
    const names = namesOf(start)
    expect(names).toHaveLength(streams)
    expect(made.folders.size).toBe(streams)
    for (const name of names) await expectRealArchive(made, name)
    const { bad, unrepresentable, noted } = made.counts
    expect({ bad, unrepresentable }).toEqual({ bad: {}, unrepresentable: {} })
    expect([noted['checksums ok'], noted['checksums failed'], noted['checksums not checked']]).toEqual([checksums, undefined, undefined])
  })

  it('reads trades of Kraken', async () => {
    const made = await importInto(path.join(root, String(roots++)), cryptofeed, [goldenPath(FOLDER, 'KRAKEN.ws.48.0')])
    expect(made.counts).toMatchObject({ rows: 51, written: 8, bad: {}, noted: { 'further messages of a row': 2, 'id-empty': 10 } })
    const trades: unknown[] = []
    const view = new TradeView()
    await eachMessage(made, 'XMR/USD', 'trades', (message) => {
      view.wrapMessage(message)
      trades.push([message.timestampNs, view.timestampNs, view.price, view.quantity, view.isBuyerMaker])
    })
    expect(trades).toEqual([
      [1618678142592855000n, 1618678142557535000n, 354.11, 0.89594024, true],
      [1618678145744650000n, 1618678145715785000n, 354.55, 1.25690315, false],
      [1618678150856557100n, 1618678150826417000n, 354.04, 0.28245396, true],
      [1618678150856557100n, 1618678150827816000n, 353.81, 1.71754604, true],
    ])
  })

  it.each([
    ['KRAKEN.0.gz', { fetched: 1, configuration: 1 }],
    ['OKX.0.gz', { fetched: 25, configuration: 1 }],
  ])('leaves out what %s has', async (file, leftOut) => {
    const made = await importInto(path.join(root, String(roots++)), cryptofeed, [goldenPath(FOLDER, file)])
    expect(made.counts).toMatchObject({ written: 0, leftOut, bad: {} })
    expect(made.folders.size).toBe(0)
  })

  it('reads the files of a connection as one', async () => {
    const lines = goldenText('KRAKEN.ws.50.0').split('\n')
    const parts = { 'KRAKEN.ws.50.0': lines.slice(0, 2000).join('\n'), 'KRAKEN.ws.50.1': lines.slice(2000).join('\n') }
    const made = await read(parts)
    for (const name of namesOf('kraken.')) await expectRealArchive(made, name)
    expect(made.counts.noted['checksums ok']).toBe(4269)
    const units = await Promise.all(Object.entries(parts).map(([name, text]) => recognise(name, text)))
    expect(units.map((each) => each!.unit.replace(/.*\//, ''))).toEqual(['KRAKEN.ws.50', 'KRAKEN.ws.50'])
    expect(units[0]!.order! < units[1]!.order!).toBe(true)
    // The later one alone has no snapshots: nothing can be compared.
    const alone = await read({ 'KRAKEN.ws.50.1': parts['KRAKEN.ws.50.1'] })
    expect(alone.counts.noted['checksums not checked']).toBeGreaterThan(2000)
    expect(alone.counts.noted['checksums ok']).toBeUndefined()
  })

  it('finds a wrong digit by the checksum of the exchange, and tells the place', async () => {
    for (const [name, level, wrong] of [
      ['KRAKEN.ws.50.0', '["0.043130","11802.77325050"', '["0.043130","11802.77325051"'],
      ['OKX.ws.1.0', '["30238.8","2","0","1"]', '["30238.8","3","0","1"]'],
    ] as const) {
      const text = goldenText(name)
      expect(text).toContain(level)
      const made = await read({ [name]: text.replace(level, wrong) })
      expect(made.counts.noted['checksums failed']).toBeGreaterThan(0)
      expect(text.split('\n')[made.counts.places.checksum!.line! - 1]).toMatch(/SC\/EUR|BTC-USD-220527/)
    }
  })

  it('reads recordings of Binance by the rules of the collector, snapshots from a file of their own', async () => {
    const whole = zlib.gunzipSync(fs.readFileSync(goldenPath('captures/recorder/usdm/btcusdt_20240808.gz'))).toString()
    const lines = whole.split('\n').filter(Boolean).slice(0, 20_000)
    const time = (line: string) => `${line.slice(0, 10)}.${line.slice(10, 19)}`
    const url = 'https://fapi.binance.com/fapi/v1/depth?symbol=BTCUSDT&limit=1000'
    const fetched = lines
      .filter((line) => line.startsWith('{"lastUpdateId"', 20))
      .map((line) => `${url} -> ${time(line)}: ${line.slice(20)} header: {"a": 1}`)
    const messages = lines.filter((line) => !line.startsWith('{"lastUpdateId"', 20)).map((line) => `${time(line)}: ${line.slice(20)}`)
    const files = {
      'BINANCE_FUTURES.http.3.0': `${fetched.join('\n')}\n`,
      'BINANCE_FUTURES.ws.2.0': `wss://fstream.binance.com/stream?streams=btcusdt@depth@100ms <-> 1723161254.5\n${messages.join('\n')}\n`,
    }
    const units = await Promise.all(Object.entries(files).map(([name, text]) => recognise(name, text)))
    expect(units.map((each) => each!.unit.replace(/.*\//, ''))).toEqual(['BINANCE_FUTURES', 'BINANCE_FUTURES'])
    expect(units.map((each) => each!.holds)).toEqual(['binance-usdm instruments', 'binance-usdm messages'])
    expect(units[0]!.order! < units[1]!.order!).toBe(true)
    const made = await read(files)
    expect(made.counts).toMatchObject({ bad: {}, leftOut: { connects: 1, 'older than the snapshot': 4 } })
    expect(made.counts.noted['chain broken']).toBeUndefined()
    const [checkpoint] = goldenJson<{ book: { checkpoints: { index: number; levels_crc32: string }[] } }>(
      'archive-real/expected/binance-usdm.btcusdt.book.json',
    ).book.checkpoints
    const book = new L2Book()
    const crcs: string[] = []
    await eachMessage(made, 'BTCUSDT', 'book', (message) => {
      expect(book.apply(message)).toBe(0)
      crcs.push(hex32(levelsCrc32(book.bids, book.asks)))
    })
    expect(crcs[checkpoint!.index]).toBe(checkpoint!.levels_crc32)
  })
})

const kraken = (...parts: string[]) => `1618678134.5: [464,${parts.join(',')},"book-10","XBT/CHF"]\n`
const SNAPSHOT = kraken('{"as":[["2.10","1.000","1618678134.1"]],"bs":[["2.00","1.000","1618678134.2"]]}')

describe('damage', () => {
  const cases: [what: string, line: string][] = [
    ['json', kraken('{"b":[["1.00","2.000","1618678134.1"]]')],
    ['member', kraken('{"d":[["1.00","2.000","1618678134.1"]]}')],
    ['levels', kraken('{"b":[["1.00","2.000"]]}')],
    ['number', kraken('{"b":[["1.00","2.0x0","1618678134.1"]]}')],
    ['symbol', kraken('{"b":[["1.00","2.000","1618678134.1"]]}').replace('XBT/CHF', 'XBT/CHG')],
    ['message', '1618678134.5: [1,2]\n'],
    ['line', 'nothing of the kind\n'],
    ['line', '16186x8134.5: [464]\n'],
  ]
  it.each(cases)('%s: %s', async (what, line) => {
    const subscribed = '1618678134.4: {"channelID":464,"event":"subscriptionStatus","pair":"XBT/CHF"}\n'
    const text = subscribed + SNAPSHOT + line + kraken('{"b":[["1.50","2.000","1618678134.1"]],"c":"12345"}')
    await expect(read({ 'KRAKEN.ws.1.0': text })).rejects.toMatchObject({ code: `import-${what}`, category: 'corrupt' })
    const made = await read({ 'KRAKEN.ws.1.0': text }, { onError: 'skip' })
    expect(made.counts).toMatchObject({ rows: 4, written: 2, leftOut: { events: 1 }, bad: { [what]: 1 } })
    expect(made.counts.places[what]!.line).toBe(3)
  })

  it('leaves out the line that the recorder was writing', async () => {
    const made = await read({ 'KRAKEN.ws.1.0': (SNAPSHOT + kraken('{"b":[["1.00","2.000","1618678134.1"]]}')).slice(0, -20) })
    expect(made.counts).toMatchObject({ rows: 2, written: 1, leftOut: { 'line cut short': 1 } })
  })

  it('does not check sums of books that are unknown since a connect', async () => {
    const connect = 'wss://ws.kraken.com <-> 1618678134.6\n'
    const made = await read({ 'KRAKEN.ws.1.0': connect + SNAPSHOT + connect + kraken('{"b":[["1.00","2.000","1618678134.1"]],"c":"1"}') })
    expect(made.counts).toMatchObject({ written: 2, noted: { reconnects: 1, 'checksums not checked': 1 } })
  })

  it('sees what OKX numbers', async () => {
    const okx = (action: string, seqId: number, prevSeqId: number) =>
      `1652459225.5: {"arg":{"channel":"books","instId":"A-B"},"action":"${action}","data":[{"asks":[["2","1","0","1"]],"bids":[],"ts":"1652459225000","checksum":0,"seqId":${seqId},"prevSeqId":${prevSeqId}}]}\n`
    const made = await read({ 'OKX.ws.1.0': okx('snapshot', 5, -1) + okx('update', 7, 5) + okx('update', 9, 8) })
    expect(made.counts).toMatchObject({ written: 3, noted: { 'chain broken': 1 } })
    const ids: bigint[][] = []
    await eachMessage(made, 'A-B', 'book', ({ view, payloadOffset }) => {
      if (view.getUint8(payloadOffset + 56) === 2)
        ids.push([48, 64, 72, 80].map((offset) => view.getBigUint64(payloadOffset + offset, true)))
    })
    expect(ids).toEqual([
      [7n, 7n, 7n, 5n],
      [9n, 9n, 9n, 8n],
    ])
  })
})

describe('what is recognised', () => {
  it('knows exchanges by URLs, messages and names', async () => {
    expect((await recognise('KRAKEN.ws.1.3', kraken('{"b":[]}')))!.venue).toBe('kraken')
    expect((await recognise('some', kraken('{"b":[]}')))!.venue).toBe('kraken')
    expect((await recognise('OKX.ws.1.1', '1652459225.5: {"arg":{"channel":"books"}}\n'))!.venue).toBe('okx')
    expect((await recognise('BINANCE.ws.1.1', '1652459225.5: {"stream":"a@trade","data":{}}\n'))!.venue).toBe('binance-spot')
    expect((await recognise('KRAKEN-0a1b2c3d4e5f.2', kraken('{"b":[]}')))!.unit).toMatch(/KRAKEN-0a1b2c3d4e5f$/)
  })

  it('refuses others by name', async () => {
    const refused = (text: string) => ({ code: 'import-refused', category: 'input', message: expect.stringContaining(text) })
    await expect(recognise('COINBASE.ws.1.0', 'wss://ws-feed.pro.coinbase.com <-> 1618678132.3\n')).rejects.toMatchObject(
      refused('COINBASE'),
    )
    await expect(recognise('x', 'wss://stream.bybit.com/realtime <-> 1618678132.3\n')).rejects.toMatchObject(refused('stream.bybit.com'))
    await expect(recognise('OKEX.ws.1.0', "1618678132.3: b'abc'\n")).rejects.toMatchObject(refused('packed'))
    await expect(recognise('KRAKEN.ws.1.0', 'wss://ws.kraken.com/v2 <-> 1618678132.3\n')).rejects.toMatchObject(refused('v1'))
    expect(await recognise('x', '1723161255030314667 {"e":"trade"}\n')).toBeNull()
    expect(await recognise('x.csv', 'id,price\n')).toBeNull()
  })
})
