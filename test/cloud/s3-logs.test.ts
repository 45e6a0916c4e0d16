import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { decodeReceipts } from '../../core/plan/run/receipt.ts'
import { openStore } from '../../core/store/open-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { describeGolden, goldenPath } from '../golden-data.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { uploadFolder } from '../support/upload-folder.ts'
import { describeCloud } from './cloud.ts'

describeCloud('logs on S3', (cloud) => {
  const root = `s3://${cloud.outputs.ArchiveBucket}/logs`
  const { endpoint } = cloud.server

  /** Runs a command with an endpoint, and gives its JSON documents without the place where the log is. */
  async function documents(command: string, place: string, ...options: string[]): Promise<{ code: number; told: unknown[] }> {
    const { code, out, err } = await runCli(command, place, ...options, '--json', '--quiet', '--endpoint', endpoint)
    expect(out, err).not.toBe('')
    const lines = out.replaceAll(place, '').trim().split('\n')
    return { code, told: lines.map((line) => JSON.parse(line)) }
  }

  describeGolden('of other implementations', () => {
    const BOOKS = 'archive-real/v1'
    beforeAll(async () => {
      for (const below of [`${BOOKS}/kraken`, `${BOOKS}/okx`, `${BOOKS}/binance-spot`, `${BOOKS}/lobster/aapl`])
        await uploadFolder(goldenPath(), openStore(root), below)
      for (const below of ['corrupt', 'compressed', 'l2-gaps']) await uploadFolder(goldenPath('chronicle-rs'), openStore(root), below)
    })

    test.each([
      ['kraken/sc-eur/2021-04-17/book', ['--every', '500', '--depth', '3']],
      ['binance-spot/btcusdt/2024-08-08/book', ['--every', '2000']],
      ['lobster/aapl/2012-06-21/l3', ['--every', '1000']],
      ['okx/btc-usdt/2022-05-13/book', []],
    ])('book %s is the book on disk', async (log, options) => {
      const here = await documents('book', goldenPath(BOOKS, log), ...options)
      expect(here.code).toBe(0)
      expect(await documents('book', `${root}/${BOOKS}/${log}`, ...options)).toEqual(here)
    })

    test('book tells gaps, and stops at a sequence, as on disk', async () => {
      const log = 'l2-gaps/queue-restart'
      const here = await documents('book', goldenPath('chronicle-rs', log), '--on-gap', 'ignore', '--every', '5000')
      expect(here.told.at(-1)).toMatchObject({ final: true, gaps: expect.arrayContaining([expect.anything()]) })
      const there = await documents('book', `${root}/${log}/`, '--on-gap', 'ignore', '--every', '5000')
      expect(there).toEqual(here)
      const [first] = here.told as [{ seq: string }]
      const at = await documents('book', `${root}/${log}`, '--on-gap', 'ignore', '--at-seq', first.seq)
      expect(at.told[0]).toEqual(first)
    })

    test('a book needs one log, and one that is there', async () => {
      const whole = await runCli('book', `${root}/${BOOKS}/okx`)
      expect(whole).toMatchObject({ code: 2, out: '', err: expect.stringContaining('a book needs one log, not an archive') })
      expect(whole.err).toMatch(/e\.g\. chronicle-replay book s3:\/\/\S+\/book/)
      for (const command of ['book', 'verify', 'snapshot'])
        expect(await runCli(command, `${root}/nothing`)).toMatchObject({ code: 2, out: '', err: expect.stringContaining('log-missing') })
    })

    test('verify finds the same damage, and the same sound segments', async () => {
      const segments = fs.globSync('corrupt/*/*.q', { cwd: goldenPath('chronicle-rs') })
      const logs = [...new Set(segments.map((file) => path.dirname(file))), 'compressed', 'l2-gaps']
      expect(logs.length).toBeGreaterThan(15)
      for (const log of logs) {
        const here = await documents('verify', goldenPath('chronicle-rs', log))
        expect(await documents('verify', `${root}/${log}`), log).toEqual(here)
      }
      const crc = await documents('verify', `${root}/corrupt/crc-flip`)
      expect(crc).toMatchObject({ code: 3, told: [{ segments: expect.arrayContaining([expect.objectContaining({ ok: false })]) }] })
      const archive = await documents('verify', `${root}/${BOOKS}`)
      expect(archive.code).toBe(0)
    })
  })

  test('snapshot writes beside the logs what it writes on disk, once, and runs begin at it', async () => {
    const local = path.join(temporaryFolder('s3-logs'), 'archive')
    const made = { symbols: 2, messages: 12_000, days: 2, seed: 3, segmentBytes: 1 << 17, dailySnapshot: false }
    await generateArchive(local, made)
    const archive = openStore(`${root}-with-snapshots`)
    await uploadFolder(local, archive)
    const here = await documents('snapshot', local, '--every', '4h')
    const first = await documents('snapshot', archive.uri, '--every', '4h')
    expect(first).toEqual(here)
    const [{ written }] = first.told as [{ written: number }]
    expect(written).toBeGreaterThan(20)
    const files = fs.globSync('v1/**/snapshot_*.bin', { cwd: local }).sort()
    expect(files).toHaveLength(written)
    for (const file of files) {
      const [there, sidecar] = [await archive.get(file), await archive.get(file.replace(/bin$/, 'json'))]
      expect(Buffer.compare(there!.bytes, fs.readFileSync(path.join(local, file)))).toBe(0)
      const { inputs, ...rest } = JSON.parse(Buffer.from(sidecar!.bytes).toString())
      const { inputs: ownInputs, ...ownRest } = JSON.parse(fs.readFileSync(path.join(local, file.replace(/bin$/, 'json')), 'utf8'))
      // Versions of segments are ETags there, times here.
      expect([inputs.length, rest]).toEqual([ownInputs.length, ownRest])
    }
    expect((await documents('snapshot', archive.uri, '--every', '4h')).told).toEqual([
      { ...(first.told[0] as object), written: 0, existing: written },
    ])

    const job = ['book-features', '--param', 'every=1m', '--slice', '6h', '--from', '2024-01-02', '--endpoint', endpoint]
    const sums = []
    for (const source of [local, archive.uri]) {
      const table = path.join(temporaryFolder('s3-logs'), `table-${sums.length}`)
      const { code, err } = await runCli('run', ...job, '--archive', source, '--table', table)
      expect(code, err).toBe(0)
      sums.push(JSON.parse((await runCli('checksum', table, '--json')).out).sum)
      const receipts = fs.globSync('_chronicle/runs/*/receipts/*.jsonl', { cwd: table })
      const begun = receipts.flatMap((name) =>
        decodeReceipts(fs.readFileSync(path.join(table, name)), name).map(({ began }) => began?.with),
      )
      expect(begun).toContain('snapshot')
    }
    expect(sums[1]).toBe(sums[0])
  })

  test('a damaged log on S3 is told with its URI', async () => {
    const local = path.join(temporaryFolder('s3-logs'), 'damaged')
    await generateArchive(local, { symbols: 1, messages: 2000, days: 1, seed: 1, streams: ['book'] })
    const [segment] = fs.globSync('v1/**/*.q', { cwd: local })
    const bytes = fs.readFileSync(path.join(local, segment!))
    bytes[200]! ^= 1
    fs.writeFileSync(path.join(local, segment!), bytes)
    const store = openStore(`${root}-damaged`)
    await uploadFolder(local, store)
    const told = await runCli('verify', store.uri)
    expect([told.code, told.out]).toEqual([3, expect.stringMatching(new RegExp(`^ERR ${store.uri}/${segment} `))])
    expect(told.err).toContain(`chronicle-replay replay ${store.uri}/${path.posix.dirname(segment!)} --on-error skip`)
    for (const command of ['book', 'snapshot']) {
      const log = `${store.uri}/${path.posix.dirname(segment!)}`
      expect(await runCli(command, log)).toMatchObject({ code: 3, err: expect.stringContaining(log) })
    }
  })
})
