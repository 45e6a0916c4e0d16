import { describe, expect, it } from 'vitest'
import { ReplayError } from '../../core/errors.ts'
import { RetryingStore } from '../../core/store/retrying-store.ts'
import { MemoryStore } from '../support/memory-store.ts'

/** Fails the first calls, before or after they had their effect. */
class FlakyStore extends MemoryStore {
  failures: number
  readonly #losesAnswer: boolean
  readonly #category: 'transient' | 'input'

  constructor(failures: number, losesAnswer: boolean, category: 'transient' | 'input' = 'transient') {
    super()
    this.failures = failures
    this.#losesAnswer = losesAnswer
    this.#category = category
  }

  override async put(...args: Parameters<MemoryStore['put']>): Promise<string | null> {
    const isFailing = this.failures-- > 0
    if (!isFailing) return super.put(...args)
    if (this.#losesAnswer) await super.put(...args)
    throw new ReplayError('store-busy', 'try again', { category: this.#category })
  }
}

describe('RetryingStore', () => {
  const bytes = new Uint8Array([1, 2, 3])
  const pauses: number[] = []
  const retrying = (store: FlakyStore): RetryingStore =>
    new RetryingStore(store, { random: () => 0.5, tries: 4, firstPauseMs: 100, pause: async (ms) => void pauses.push(ms) })

  it('tries again, ever later', async () => {
    pauses.length = 0
    expect(await retrying(new FlakyStore(3, false)).put('a', bytes, 'absent')).not.toBeNull()
    expect(pauses).toEqual([100, 200, 400])
  })

  it('knows its own object when only the answer was lost, and not that of another', async () => {
    expect(await retrying(new FlakyStore(1, true)).put('a', bytes, 'absent')).not.toBeNull()
    const taken = new FlakyStore(0, false)
    await taken.put('a', new Uint8Array([9]))
    taken.failures = 1
    expect(await retrying(taken).put('a', bytes, 'absent')).toBeNull()
  })

  it('gives up in the end, and at once what no second try can help', async () => {
    await expect(retrying(new FlakyStore(9, false)).put('a', bytes)).rejects.toMatchObject({ code: 'store-busy' })
    pauses.length = 0
    await expect(retrying(new FlakyStore(1, false, 'input')).put('a', bytes)).rejects.toMatchObject({ category: 'input' })
    expect(pauses).toEqual([])
  })
})
