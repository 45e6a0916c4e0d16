import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MessageTally, type TallyCell } from '../../core/features/message-tally.ts'

describe('the tally of messages', () => {
  it('counts each in the cell that its time lies in, and none beside the cells', () => {
    const cell = fc.record({ gap: fc.integer({ min: 0, max: 5 }), length: fc.integer({ min: 1, max: 10 }) })
    const event = fc.record({ micros: fc.integer({ min: -5, max: 80 }), fate: fc.constantFrom('handled', 'late', 'wild-time', 'noted') })
    fc.assert(
      fc.property(fc.array(cell, { minLength: 1, maxLength: 6 }), fc.array(event, { maxLength: 100 }), (lengths, events) => {
        const cells: TallyCell[] = []
        let at = 0
        for (const { gap, length } of lengths) {
          cells.push({ startMicros: at + gap, endMicros: at + gap + length })
          at += gap + length
        }
        const tally = new MessageTally(cells)
        for (const [i, { micros, fate }] of events.entries()) {
          if (fate === 'handled') tally.handle(micros)
          else if (fate === 'noted') tally.note('step', micros)
          else tally.leave(fate, micros, 'log', 0, 64 * i)
        }
        for (const [i, { startMicros, endMicros }] of cells.entries()) {
          const own = events.filter(({ micros }) => micros >= startMicros && micros < endMicros)
          const count = (wanted: string): number => own.filter(({ fate }) => fate === wanted).length
          const { read, leftOut, noted, places } = tally.of(i)
          expect(read).toBe(own.length - count('noted'))
          expect(leftOut.late ?? 0).toBe(count('late'))
          expect(leftOut['wild-time'] ?? 0).toBe(count('wild-time'))
          expect(noted.step ?? 0).toBe(count('noted'))
          expect(places.length).toBe(Math.min(3, count('late')) + Math.min(3, count('wild-time')))
        }
      }),
    )
  })

  it('keeps how far apart the times were of what was left out for it', () => {
    const tally = new MessageTally([{ startMicros: 0, endMicros: 10 }])
    for (const skew of [6e6, -7e6, 5.5e6]) tally.skew(3, skew)
    tally.skew(11, 1e9)
    expect(tally.of(0).skew).toEqual({ minMicros: -7e6, maxMicros: 6e6 })
  })
})
