import { Readable } from 'node:stream'
import zlib from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { unpackMembers } from '../../core/import/files/gzip-members.ts'

const textOf = (from: number, to: number): string => Array.from({ length: to - from }, (_, i) => `line ${(from + i) * 7919}\n`).join('')
const [first, second] = [textOf(0, 400), textOf(400, 900)]
const [one, two] = [zlib.gzipSync(first), zlib.gzipSync(second)]
const TRAILER = 8

async function unpacked(packed: Uint8Array, pieceBytes = 1000): Promise<[text: string, damage: string | null]> {
  const pieces = Array.from({ length: Math.ceil(packed.length / pieceBytes) }, (_, i) =>
    packed.subarray(i * pieceBytes, (i + 1) * pieceBytes),
  )
  let text = ''
  try {
    for await (const piece of unpackMembers(Readable.from(pieces))) text += Buffer.from(piece).toString()
  } catch (error) {
    return [text, (error as Error).message]
  }
  return [text, null]
}

describe('members of gzip', () => {
  const named = Buffer.concat([Buffer.from([0x1f, 0x8b, 8, 8 + 4, 0, 0, 0, 0, 0, 0, 3, 0, 1, 2, 3]), Buffer.from('a\0'), one.subarray(10)])
  it.each([1, 7, 100_000])('are unpacked one behind the other, in pieces of %d bytes', async (pieceBytes) => {
    expect(await unpacked(Buffer.concat([one, named, two]), pieceBytes)).toEqual([first + first + second, null])
    expect(await unpacked(Buffer.concat([one, Buffer.alloc(30)]), pieceBytes)).toEqual([first, null])
  })

  it('are kept without a trailer, of which any part may be there, and what is behind them', async () => {
    for (let missing = 1; missing <= TRAILER; missing++) {
      const cut = one.subarray(0, one.length - missing)
      expect(await unpacked(cut)).toEqual([first, expect.stringMatching(/unexpected end|data check/)])
      expect(await unpacked(Buffer.concat([cut, two]))).toEqual([first + second, 'incorrect data check'])
    }
  })

  it('are kept with a wrong trailer', async () => {
    const wrong = Buffer.from(one)
    wrong[wrong.length - TRAILER]! ^= 1
    expect(await unpacked(Buffer.concat([wrong, two]))).toEqual([first + second, 'incorrect data check'])
  })

  it('cut at any byte give what can be unpacked of them', async () => {
    for (let bytes = 10; bytes < one.length - TRAILER; bytes += 13) {
      const [text, damage] = await unpacked(one.subarray(0, bytes))
      const expected = zlib.inflateRawSync(one.subarray(10, bytes), { finishFlush: zlib.constants.Z_SYNC_FLUSH }).toString()
      expect([text, damage]).toEqual([expected, 'unexpected end of file'])
    }
  })

  it('with damage inside give what is before it', async () => {
    const damaged = Buffer.concat([one, two])
    damaged.fill(0xff, one.length + 500, one.length + 560)
    const [text, damage] = await unpacked(damaged)
    expect(text.startsWith(first)).toBe(true)
    expect(damage).not.toBeNull()
  })

  it('need a header', async () => expect(await unpacked(Buffer.from('no gzip at all'))).toEqual(['', 'incorrect header check']))
})
