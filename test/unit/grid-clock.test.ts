import { describe, expect, it } from 'vitest'
import { GridClock } from '../../core/features/clocks/grid-clock.ts'

const DAY = 86_400e6
const BAR = 500_000

/** What a clock over filled bars tells from the begin of a day to `micros`, when bars before `asleepUntil` are nothing to anyone. */
function told(micros: number, asleepUntil: number) {
  const bars: number[] = []
  const days: number[] = []
  const samples: [intervals: number, endMicros: number][] = []
  const sampler = { sampleEveryNs: BAR * 1000, sample: (intervals: number, endMicros: number) => void samples.push([intervals, endMicros]) }
  const clock = new GridClock(BAR, true, [sampler], {
    barEnds: (bar) => bars.push(bar),
    dayEnds: (endMicros) => days.push(endMicros),
    asleepUntil: () => asleepUntil,
  })
  clock.start(10 * DAY)
  clock.advance(micros)
  const intervals = samples.reduce((sum, [count]) => sum + count, 0)
  return { bars, days, intervals, lastSample: samples.at(-1)?.[1], next: clock.next }
}

describe('a grid of filled bars', () => {
  it('tells each of them', () => {
    const { bars, intervals } = told(10 * DAY + 5 * BAR, Number.NEGATIVE_INFINITY)
    expect([bars.length, bars[0], intervals]).toEqual([5, (10 * DAY) / BAR, 5])
  })

  it('leaves out those that are nothing to anyone, and none from there on; samples and days are told all the same', () => {
    const end = 11 * DAY + 1000 * BAR
    const awake = told(end, Number.NEGATIVE_INFINITY)
    const asleep = told(end, end - 3 * BAR)
    expect(awake.bars.length).toBe(173_800)
    expect(asleep.bars.length).toBeLessThan(10)
    expect(asleep.bars.slice(-3)).toEqual(awake.bars.slice(-3))
    const { bars: _, ...rest } = awake
    expect(asleep).toMatchObject(rest)
  })

  it('does not go beyond the bar that time is in', () => {
    const { bars, next } = told(10 * DAY + 1.5 * BAR, 20 * DAY)
    expect([bars.length, next]).toEqual([1, 10 * DAY + 2 * BAR])
  })
})
