import { describe, expect, it } from 'vitest'
import { DamageSums } from '../../core/commit/damage-tally.ts'
import { MAX_PLACES } from '../../core/plan/run/damage-report.ts'
import type { DoneReceipt } from '../../core/plan/run/run-receipts.ts'
import { PassDamage } from '../../core/task/pass-damage.ts'

const issue = (code: string, offset?: number) =>
  ({ code, severity: 'error', message: '', segment: 3, ...(offset !== undefined && { offset }) }) as const

describe('PassDamage', () => {
  it('counts by cell and code, and keeps the first places of each cell', () => {
    const damage = new PassDamage()
    expect([damage.isSound, damage.of(0)]).toEqual([true, null])
    damage.add(issue('record-crc', 64), 'folder/', 1, true)
    for (let i = 0; i < MAX_PLACES + 5; i++) damage.add(issue('record-crc', 64 * i), 'folder/', 1, false)
    damage.add(issue('segment-missing'), 'other/', 2, false)
    expect(damage.isSound).toBe(false)
    expect(damage.of(0)).toBe(null)
    expect(damage.of(1)).toMatchObject({ codes: { 'record-crc': MAX_PLACES + 5 }, warmUp: 1 })
    expect(damage.of(1)!.places).toHaveLength(MAX_PLACES)
    expect(damage.of(1)!.places[1]).toEqual({ folder: 'folder/', segment: 3, offset: 64, code: 'record-crc' })
    expect(damage.of(2)!.places).toEqual([{ folder: 'other/', segment: 3, code: 'segment-missing' }])
  })

  it('is added up over partitions, of which those that only warmed up on damage have none of their own', () => {
    const place = { folder: 'folder/', segment: 3, offset: 64, code: 'record-crc' }
    const receipts = [
      {},
      { damage: { codes: {}, warmUp: 2, places: [] } },
      { damage: { codes: { 'record-crc': 2 }, warmUp: 0, places: [place] } },
      { damage: { codes: { 'record-crc': 1, 'segment-hole': 4 }, warmUp: 1, places: [] } },
    ] as unknown as DoneReceipt[]
    const sums = new DamageSums()
    for (const receipt of receipts) sums.add(receipt)
    expect(sums.totals()).toEqual({ count: 7, partitions: 2, codes: { 'record-crc': 3, 'segment-hole': 4 }, first: place })
    expect(new DamageSums().totals()).toEqual({ count: 0, partitions: 0, codes: {}, first: null })
  })
})
