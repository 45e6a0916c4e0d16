import { describe, expect, it } from 'vitest'
import { findMissingStreams } from '../../core/plan/archive/missing-streams.ts'

const folder = (day: number, stream: string) => ({ day, stream, digest: '', bytes: 1, objects: 1, snapshots: 0, at: 0 })
const instrument = (symbol: string, days: Record<number, string>) => ({
  venue: 'v',
  symbol,
  folders: Object.entries(days).flatMap(([day, streams]) => streams.split(' ').map((stream) => folder(Number(day), stream))),
})

describe('streams that instruments lack', () => {
  const all = [
    instrument('a', { 0: 'book trades', 1: 'trades', 2: 'book trades' }),
    instrument('b', { 0: 'trades', 1: 'trades' }),
    instrument('c', { 1: 'l3 trades' }),
    instrument('d', { 1: 'book', 9: 'trades' }),
  ]

  it('are counted by instruments and days of the range; orders are a book, too', () => {
    expect(findMissingStreams(all, { streams: ['book', 'trades'] }, 0, 3)).toEqual([
      { stream: 'book', instruments: 1, days: 1, first: 'v/a on 1970-01-02' },
      { stream: 'trades', instruments: 1, days: 0, first: 'v/d' },
    ])
    expect(findMissingStreams(all, { streams: ['book'] }, 2, 3)).toEqual([])
    expect(findMissingStreams(all, { streams: 'all' }, 0, 9)).toEqual([])
  })
})
