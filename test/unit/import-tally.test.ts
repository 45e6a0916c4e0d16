import { expect, it } from 'vitest'
import { addCounts, emptyCounts, LARGEST_STEP } from '../../core/import/messages/import-tally.ts'

it('adds up what files gave, but keeps the largest of steps back', () => {
  const sum = emptyCounts()
  for (const step of [20, 70, 5]) {
    addCounts(sum, {
      ...emptyCounts(),
      rows: 10,
      written: 4,
      merged: 6,
      leftOut: { imbalance: 1 },
      noted: { [LARGEST_STEP]: step, late: 2 },
    })
  }
  expect(sum).toEqual({
    ...{ rows: 30, written: 12, merged: 18, unrepresentable: {}, bad: {}, places: {} },
    leftOut: { imbalance: 3 },
    noted: { [LARGEST_STEP]: 70, late: 6 },
  })
})
