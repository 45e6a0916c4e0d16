import { describe, expect, it } from 'vitest'
import { startChild } from './child.ts'

// What a thread does when nothing is asked must not end the process that asked: hence a process of its own.
describe('AnsweringThread', () => {
  it.each([
    ['throw', 'worker-failed', 'Error: after the answer'],
    ['exit', 'worker-died', 'exit code 3'],
  ])('that ends by %s after its answer: the next question is told, the process goes on', async (end, code, words) => {
    const child = startChild('late-errors', end)
    expect(await child.ended).toBe(0)
    const failure = { code, category: 'bug', message: expect.stringContaining(words) }
    expect(JSON.parse(child.lastLine())).toEqual({
      first: { reply: `answer to ${end}`, hasEnded: false },
      next: { reply: { failure }, hasEnded: true },
    })
  })
})
