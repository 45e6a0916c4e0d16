import { expect, it } from 'vitest'
import { SequencePolicy } from '../../core/book/sequence/sequence-policy.ts'
import { ruleOfVenue } from '../../core/book/sequence/sequence-rule.ts'
import { identifyLog } from '../../core/log/format/log-path.ts'
import { ReplayReader } from '../../core/log/reading/replay-reader.ts'
import { describeGolden, goldenJson, goldenPath } from '../golden-data.ts'

interface Injected {
  kind: string
  record_index: number
  missing?: number
}

async function findingsOf(log: string): Promise<{ policy: SequencePolicy; found: string[] }> {
  const found: string[] = []
  let index = 0
  const venue = identifyLog(log).venue
  const policy = new SequencePolicy({
    onGap: 'ignore',
    rule: ruleOfVenue(venue),
    onFinding: ({ kind, missing }) => found.push(`${index} ${kind}${kind === 'update_id_gap' ? ` ${missing}` : ''}`),
  })
  const reader = await ReplayReader.open(log)
  for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) {
    for (const message of batch) {
      policy.check(message)
      index++
    }
  }
  await reader.close()
  return { policy, found }
}

describeGolden('injected gaps are found under their kind, and nothing else', () => {
  for (const queue of ['queue', 'queue-restart']) {
    it(`l2-gaps/${queue}`, async () => {
      const { injected } = goldenJson<{ injected: Injected[] }>(`chronicle-rs/l2-gaps/${queue}.gen.json`)
      const { policy, found } = await findingsOf(goldenPath('chronicle-rs/l2-gaps', queue))
      // A restarted writer is a new session, not a gap.
      const gaps = injected.filter(({ kind }) => kind !== 'writer_restart')
      expect(found).toEqual(
        gaps.map(({ record_index, kind, missing }) => `${record_index} ${kind}${missing === undefined ? '' : ` ${missing}`}`),
      )
      expect(policy.sessions).toBe(1 + injected.length - gaps.length)
    })
  }
})

describeGolden('logs without gaps have no findings', () => {
  const archive = (name: string) => `archive-real/${goldenJson<{ path: string }>('archive-real/expected', `${name}.json`).path}`
  const names = [
    'binance-usdm.btcusdt.book',
    'binance-coinm.btcusd_perp.book',
    'binance-spot.btcusdt.book',
    'kraken.sc-eur.book',
    'okx.btc-usdt.book',
    'lobster.amzn.l3',
  ]
  const logs = [
    ...['l2-btc/queue', 'l3-sym/queue', 'trades-8sym/streams/clean/binance-perp/sol-usdt/mixed/queue'].map(
      (log) => () => `chronicle-rs/${log}`,
    ),
    ...names.map((name) => () => archive(name)),
  ]
  for (const log of logs) {
    it(log(), async () => {
      const { policy, found } = await findingsOf(goldenPath(log()))
      expect(found).toEqual([])
      expect(policy.staleMessages).toBe(0)
    })
  }
})
