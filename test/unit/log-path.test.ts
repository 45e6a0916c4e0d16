import fs from 'node:fs'
import { describe, expect, it } from 'vitest'
import { findLogs, identifyLog, type LogLocation } from '../../core/log/format/log-path.ts'
import { StoreLogs } from '../../core/log/stores/store-logs.ts'
import { inDirectory, makeLog, plainMessages } from '../support/made-log.ts'
import { RangedStore } from '../support/ranged-store.ts'

describe('the path of a log', () => {
  it.each([
    ['/data/v1/binance/btc-usdt/2025-12-31/book', { venue: 'binance', symbol: 'btc-usdt', date: '2025-12-31', stream: 'book' }],
    ['/data/raw/v1/binance/2025-12-31/raw', { venue: 'binance', symbol: null, date: '2025-12-31', stream: 'raw' }],
    ['/table/venue=binance/symbol=btc/date=2025-12-31', { venue: 'binance', symbol: 'btc', date: '2025-12-31', stream: null }],
    ['/bus/streams/clean/binance/btc/mixed/queue', { venue: 'binance', symbol: 'btc', date: null, stream: 'mixed' }],
    ['/bus/streams/raw/binance/queue', { venue: 'binance', symbol: null, date: null, stream: null }],
    ['/x=y/v1/binance/btc-usdt/2025-12-31/book', { venue: 'binance', symbol: 'btc-usdt', date: '2025-12-31', stream: 'book' }],
    ['/data/date=2024-01-01/symbol=x/v1/k/venue=y/2025-12-31/book', { venue: 'k', symbol: 'venue=y', date: '2025-12-31', stream: 'book' }],
    ['/x/v1/y/archive/v1/k/a\\b/2025-12-31/book', { venue: 'k', symbol: 'a\\b', date: '2025-12-31', stream: 'book' }],
    ['/symbol=x/log', { venue: null, symbol: null, date: null, stream: null }],
    ['/data/v1/k/btc/2024-02-30/book', { venue: null, symbol: null, date: null, stream: null }],
    ['/somewhere/else', { venue: null, symbol: null, date: null, stream: null }],
  ])('%s says what it says', (path, identity) => {
    expect(identifyLog(path)).toEqual(identity)
  })
})

describe('looking for logs', () => {
  it('finds them all, sorted, and enters neither tables’ metadata nor a link back up', () =>
    inDirectory(async (root) => {
      for (const log of ['b/deep/er', 'a', '_table', 'a/snapshots']) makeLog(`${root}/${log}`, plainMessages(1))
      fs.symlinkSync(root, `${root}/b/up`)
      fs.symlinkSync(`${root}/a`, `${root}/linked`)
      expect(findLogs(root).map(({ path }) => path)).toEqual([`${root}/a`, `${root}/b/deep/er`, `${root}/linked`])
    }))

  it('finds the same ones in a store, in the same order', () =>
    inDirectory(async (root) => {
      const made = ['v/btc/d', 'v/btc-usd/d', 'v/btc', 'v/btc.x', 'v', '_table', 'v/snapshots', 'v/readers']
      for (const log of made) makeLog(`${root}/${log}`, plainMessages(1))
      const store = new RangedStore(root)
      const below = (place: string) => (logs: readonly LogLocation[]) => logs.map(({ path }) => path.slice(place.length + 1))
      const found = await new StoreLogs(store).find()
      expect(below(store.uri)(found)).toEqual(below(root)(findLogs(root)))
      expect(below(store.uri)(found)).toEqual(['v', 'v/btc', 'v/btc/d', 'v/btc-usd/d', 'v/btc.x'])
      expect(found.map(({ home }) => home)).toEqual(found.map(({ path }) => ({ store, prefix: `${path.slice(store.uri.length + 1)}/` })))
    }))

  it('says when there is nothing', () =>
    inDirectory(async (root) => {
      expect(() => findLogs(root)).toThrow(expect.objectContaining({ code: 'log-missing', category: 'input' }))
      expect(() => findLogs(`${root}/none`)).toThrow(expect.objectContaining({ code: 'log-missing', category: 'input' }))
    }))
})
