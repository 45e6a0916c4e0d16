import { describe, expect, it } from 'vitest'
import type { InstrumentShare, PlannedPartition } from '../../core/plan/run/task-share.ts'
import { cutUnits } from '../../core/task/task-units.ts'

const HOUR_NS = 3_600_000_000_000n

/** Shares of some instruments with day or smaller cells; `restart` by index of the partition. */
function sharesOf(instruments: number, partitions: number, perDay: number, restart: (date: string) => string): InstrumentShare[] {
  return Array.from({ length: instruments }, (_, i) => ({
    venue: 'v',
    symbol: `s${i}`,
    folders: [],
    partitions: Array.from({ length: partitions }, (_, p): PlannedPartition => {
      const startNs = 1_704_067_200_000_000_000n + (BigInt(p) * 24n * HOUR_NS) / BigInt(perDay)
      const date = new Date(Number(startNs / 1_000_000n)).toISOString().slice(0, 10)
      const names = { venue: 'v', symbol: `s${i}`, date, restart: restart(date), inputs: '', fingerprint: '' }
      return {
        index: i * partitions + p,
        startNs,
        endNs: startNs + 1n,
        state: 'run',
        reason: 0,
        variantSet: 0,
        bytes: 1e8 + i * 1e7,
        ...names,
      }
    }),
  }))
}

function flat(units: readonly number[][]): number[] {
  return units.flat().sort((a, b) => a - b)
}

const all = (): boolean => true

describe('units of a task', () => {
  it('are what is wanted, each once, consecutive ones of one instrument', () => {
    const shares = sharesOf(3, 8, 4, () => 'window')
    const wanted = (index: number): boolean => index % 5 !== 0
    const units = cutUnits(shares, wanted, 4)
    expect(flat(units)).toEqual(Array.from({ length: 24 }, (_, i) => i).filter(wanted))
    for (const unit of units) {
      expect(new Set(unit.map((index) => Math.floor(index / 8))).size).toBe(1)
      expect(unit).toEqual([...unit].sort((a, b) => a - b))
    }
  })

  it('keep a book without restart points together', () => {
    const units = cutUnits(
      sharesOf(2, 10, 1, () => 'origin'),
      all,
      4,
    )
    expect(units.map(({ length }) => length)).toEqual([10, 10])
  })

  it('read a day again only after four of their own', () => {
    // The first cell of a day looks into the day before.
    const dayBefore = (date: string): string => new Date(Date.parse(date) - 86_400_000).toISOString().slice(0, 10)
    const units = cutUnits(sharesOf(1, 10, 1, dayBefore), all, 4)
    expect(units.map(({ length }) => length)).toEqual([4, 4, 2])
  })

  it('part at days where little has to be read before, in enough pieces for the threads', () => {
    for (const restart of [() => 'window', (date: string) => date]) {
      const units = cutUnits(sharesOf(1, 48, 4, restart), all, 4)
      expect(units.length).toBeGreaterThanOrEqual(8)
      // A day's cells go on from one another.
      for (const unit of units) expect(unit[0]! % 4).toBe(0)
    }
  })

  it('are as few as can be for one thread, the largest first', () => {
    const units = cutUnits(
      sharesOf(3, 8, 1, () => 'window'),
      all,
      1,
    )
    expect(units.map(([first]) => first)).toEqual([16, 8, 0])
  })

  it('are none when nothing is wanted', () => {
    expect(
      cutUnits(
        sharesOf(2, 4, 1, () => 'window'),
        () => false,
        4,
      ),
    ).toEqual([])
  })
})
