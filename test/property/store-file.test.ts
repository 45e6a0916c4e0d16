import fs from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { LogFile } from '../../core/log/stores/log-folder.ts'
import { ReadAhead } from '../../core/log/stores/read-ahead.ts'
import { StoreFolder } from '../../core/log/stores/store-folder.ts'
import { RangedStore } from '../support/ranged-store.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('store-file')
const MAX_BYTES = 3 << 20
const BUFFER_BYTES = 4 << 20
let folders = 0

/** What a reader may do with a log's segments: which one, where, how much; fractions of its size. */
const steps = fc.array(
  fc.record({
    segment: fc.nat(2),
    does: fc.constantFrom('announce', 'seek', 'read', 'read', 'read on', 'read on', 'close'),
    at: fc.double({ min: 0, max: 1.1, noNaN: true }),
    length: fc.oneof(fc.constantFrom(1, 64, 4096), fc.integer({ min: 1, max: 1 << 20 })),
    end: fc.double({ min: 0, max: 1, noNaN: true }),
  }),
  { minLength: 1, maxLength: 25 },
)

describe('small objects in a store', () => {
  it('that are not as they were listed leave no memory taken', async () => {
    const directory = path.join(root, 'changed')
    fs.mkdirSync(directory)
    fs.writeFileSync(path.join(directory, 'meta.json'), '{}')
    const store = new RangedStore(directory)
    const [listed] = await Array.fromAsync(store.list(''))
    const ahead = new ReadAhead(store, { bufferBytes: BUFFER_BYTES })
    await expect(ahead.readWhole({ ...listed!, etag: 'another' })).rejects.toMatchObject({ code: 'input-changed' })
    expect(ahead.mayReadAhead(BUFFER_BYTES)).toBe(true)
  })
})

describe('segments in an object store', () => {
  it('give the bytes that they hold, however they are read, and in the end all memory back', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: MAX_BYTES }), { minLength: 3, maxLength: 3 }),
        fc.constantFrom(64 << 10, 1 << 20, 8 << 20),
        steps,
        async (sizes, chunkBytes, doings) => {
          const directory = path.join(root, String(folders++))
          fs.mkdirSync(directory)
          const contents = sizes.map(contentOf)
          for (const [i, bytes] of contents.entries()) fs.writeFileSync(path.join(directory, `00000000${i}.q`), bytes)
          const store = new RangedStore(directory)
          const objects = await Array.fromAsync(store.list(''))
          const ahead = new ReadAhead(store, { chunkBytes, bufferBytes: BUFFER_BYTES })
          const folder = await StoreFolder.open(store.uri, '', objects, ahead)
          const open = new Map<number, LogFile>()
          const behind = new Map<number, number>()
          for (const { segment, does, at, length, end } of doings) {
            const content = contents[segment]!
            if (does === 'close') {
              open.get(segment)?.close()
              open.delete(segment)
              continue
            }
            const file = open.get(segment) ?? folder.open(`00000000${segment}.q`)
            open.set(segment, file)
            const from = does === 'read on' ? (behind.get(segment) ?? 0) : Math.floor(at * content.length)
            if (does === 'announce' || does === 'seek') file.readAhead!(from, does === 'announce', Math.ceil(end * content.length))
            const target = new Uint8Array(length)
            const got = await file.read(target, 0, length, from)
            const wanted = content.subarray(from, from + length)
            expect(got).toBe(wanted.length)
            expect(wanted.equals(target.subarray(0, got))).toBe(true)
            behind.set(segment, from + got)
          }
          folder.close()
          await expect.poll(() => ahead.mayReadAhead(BUFFER_BYTES)).toBe(true)
          expect(store.mostInFlight).toBeLessThanOrEqual(4)
          fs.rmSync(directory, { recursive: true })
        },
      ),
      { numRuns: Number(process.env.CHRONICLE_STORE_CASES ?? 60) },
    )
    // Sixty archives are written and read several times each; beside other work that takes minutes.
  }, 240_000)
})

/** Bytes that tell where they lie, and in which segment. */
function contentOf(size: number, segment: number): Buffer {
  const content = Buffer.alloc(size)
  for (let at = 0; at < size; at++) content[at] = (at * 2654435761 + segment) >>> 13
  return content
}
