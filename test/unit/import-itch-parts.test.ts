import { describe, expect, it } from 'vitest'
import { parseFileName } from '../../core/import/formats/itch/file-name.ts'
import { OrderTable } from '../../core/import/formats/itch/order-table.ts'
import { RecentMatches } from '../../core/import/formats/itch/recent-matches.ts'
import { newYorkMidnight } from '../../core/import/messages/new-york-midnight.ts'

describe('what ITCH files are read with', () => {
  it.each([
    ['01302020.NASDAQ_ITCH50.gz', 'nasdaq', '2020-01-30'],
    ['20200130.BX_ITCH_50.gz', 'bx', '2020-01-30'],
    ['20200130.PSX_ITCH_50.gz', 'psx', '2020-01-30'],
    ['S081321-v50.txt.gz', 'nasdaq', '2021-08-13'],
    ['S081321-v50-bx.txt.gz', 'bx', '2021-08-13'],
    ['itch-2024-02-29.bin', 'nasdaq', '2024-02-29'],
    ['itch-2023-02-29.bin', 'nasdaq', null],
    ['13452026.NASDAQ_ITCH50', 'nasdaq', null],
    ['sample.itch', 'nasdaq', null],
  ])('the name %s', (name, venue, date) => {
    expect(parseFileName(name)).toMatchObject({ venue, date })
  })

  it.each([
    ['2026-01-15', 5],
    ['2012-06-21', 4],
    ['2026-03-08', 5],
    ['2026-03-09', 4],
    ['2026-11-01', 4],
    ['2026-11-02', 5],
  ])('midnight of %s', (date, hours) => {
    expect(newYorkMidnight(date).ns).toBe(BigInt(Date.parse(`${date}T0${hours}:00:00Z`)) * 1_000_000n)
  })

  it('a table of orders that is as a map', () => {
    const table = new OrderTable()
    const map = new Map<number, number[]>()
    let seed = 7
    const random = (limit: number): number => {
      seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0
      return (seed >>> 8) % limit
    }
    for (let step = 0; step < 30_000; step++) {
      const low = random(9000) * 4
      const high = low % 3
      const at = table.find(low, high)
      const known = map.get(low)
      if (known === undefined) {
        expect(at).toBe(-1)
        const order = [random(65_536), random(2), random(2 ** 24) * 200, 1 + random(500)]
        expect(table.add(low, high, order[0]!, order[1] === 1, order[2]!, order[3]!)).toBe(true)
        map.set(low, order)
      } else {
        expect([table.locate(at), table.isSell(at) ? 1 : 0, table.price(at), table.shares(at)]).toEqual(known)
        const shares = 1 + random(400)
        expect(table.reduce(at, shares)).toBe(shares <= known[3]!)
        if (shares >= known[3]!) map.delete(low)
        else known[3]! -= shares
      }
    }
    expect(table.count).toBe(map.size)
  })

  it('matches that are remembered up to a limit', () => {
    const matches = new RecentMatches()
    expect(matches.sharesOf(0, 0)).toBe(-1)
    for (let i = 0; i < 5_000_000; i++) matches.add(i, 1, i % 1000)
    expect([matches.sharesOf(4_999_999, 1), matches.sharesOf(900_123, 1), matches.sharesOf(0, 1), matches.sharesOf(900_123, 0)]).toEqual([
      999, 123, -1, -1,
    ])
  })
})
