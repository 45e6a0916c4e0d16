import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { TextHeap } from '../../core/plan/text-heap.ts'

describe('TextHeap', () => {
  it('gives back every text, in any order, over many blocks (property)', () => {
    const text = fc.oneof(
      { weight: 20, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
      { weight: 4, arbitrary: fc.constant('ü'.repeat(150_000)) },
    )
    fc.assert(
      fc.property(fc.array(text, { maxLength: 40 }), fc.infiniteStream(fc.nat()), (texts, order) => {
        const heap = new TextHeap()
        const places = texts.map((one) => heap.write(one))
        expect(places.map((place) => heap.read(place))).toEqual(texts)
        for (let i = 0; i < texts.length; i++) {
          const at = (order.next().value as number) % texts.length
          expect(heap.read(places[at]!)).toBe(texts[at])
        }
      }),
      { numRuns: 6 },
    )
  })
})
