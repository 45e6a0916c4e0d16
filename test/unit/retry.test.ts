import { expect, it } from 'vitest'
import { ReplayError } from '../../core/errors.ts'
import { retry } from '../../core/store/retry.ts'

const busy = (category: 'transient' | 'input' = 'transient'): ReplayError => new ReplayError('store-busy', 'try again', { category })

/** Work that fails so many times, and how it was tried. */
function failing(times: number, error: unknown = busy()) {
  const [pauses, tries]: [number[], number[]] = [[], []]
  const options = { tries: 5, firstPauseMs: 100, maxPauseMs: 300, random: () => 0.5, pause: async (ms: number) => void pauses.push(ms) }
  const work = async (tried: number): Promise<string> => {
    tries.push(tried)
    if (tries.length <= times) throw error
    return 'done'
  }
  return { pauses, tries, result: retry(work, options) }
}

it('tries again, after pauses that grow to a bound, of which chance takes a part', async () => {
  const { result, pauses, tries } = failing(4)
  expect(await result).toBe('done')
  expect(pauses).toEqual([50, 100, 150, 150])
  expect(tries).toEqual([1, 2, 3, 4, 5])
})

it('gives up in the end, and at once what no second try can help', async () => {
  await expect(failing(9).result).rejects.toMatchObject({ code: 'store-busy' })
  for (const error of [busy('input'), new Error('a bug')]) {
    const { result, tries } = failing(1, error)
    await expect(result).rejects.toBe(error)
    expect(tries).toEqual([1])
  }
})
