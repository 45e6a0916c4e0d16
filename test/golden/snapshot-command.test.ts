import path from 'node:path'
import { expect, it } from 'vitest'
import { BookReplay, type BookReplayOptions } from '../../core/book/book-replay.ts'
import { bookSettingsOf } from '../../core/book/log-settings.ts'
import { describeGolden, goldenPath } from '../golden-data.ts'
import { copyLog, temporaryDirectory } from '../support/queue-files.ts'
import { runCli } from '../support/run-cli.ts'
import { loadSnapshots, replayLogs, stateOfReplay, warmStart } from '../support/warm-start.ts'

describeGolden('snapshot: warm start from every restart point = full replay, policy state included', () => {
  it.each([
    ['chronicle-rs/l2-gaps/queue-restart', '2s', ['--on-gap', 'ignore']],
    ['chronicle-rs/l3-sym/queue', '1m', []],
    ['archive-real/v1/kraken/sc-eur/2021-04-17/book', '10s', []],
    ['archive-real/v1/okx/btc-usdt/2022-05-13/book', '1s', []],
    ['archive-real/v1/binance-spot/btcusdt/2024-08-08/book', '1m', []],
    ['archive-real/v1/lobster/aapl/2012-06-21/l3', '10s', []],
  ])('%s', async (golden, every, options) => {
    const root = temporaryDirectory()
    const log = path.join(root, golden)
    copyLog(goldenPath(golden), log)
    const { code, out, err } = await runCli('snapshot', log, '--every', every, ...options, '--json', '--quiet')
    expect([code, err]).toEqual([0, ''])
    const { written } = JSON.parse(out) as { written: number }

    const settings: BookReplayOptions = { ...bookSettingsOf(log), onGap: options.length > 0 ? 'ignore' : 'quarantine' }
    const full = new BookReplay(settings)
    await replayLogs([log], full)
    // Snapshots of the peer that came with the log have no sidecar.
    const snapshots = (await loadSnapshots(log)).filter(({ sidecar }) => sidecar !== null)
    expect(snapshots).toHaveLength(written)
    expect(written).toBeGreaterThan(2)
    for (const snapshot of snapshots) {
      const resumed = new BookReplay(settings)
      await warmStart(snapshot, log, [], resumed)
      expect(stateOfReplay(resumed)).toEqual(stateOfReplay(full))
    }
  })
})
