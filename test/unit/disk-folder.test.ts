import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { DiskFolder } from '../../core/log/stores/disk-folder.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder('disk-folder')
const BYTES = 1 << 20

/** A file of a megabyte, in which so many bytes at these offsets were written. */
function sparse(name: string, ...written: [offset: number, bytes: number][]): string {
  const descriptor = fs.openSync(path.join(folder, name), 'w')
  fs.ftruncateSync(descriptor, BYTES)
  for (const [offset, bytes] of written) fs.writeSync(descriptor, Buffer.alloc(bytes, 1), 0, bytes, offset)
  fs.closeSync(descriptor)
  return name
}

function writtenEnd(name: string, offset: number): number {
  const file = new DiskFolder(folder).open(name)
  try {
    return file.writtenEnd!(offset)
  } finally {
    file.close()
  }
}

it('tells where what was written ends, in whole blocks, and not before anything that was', () => {
  const { type, bsize } = fs.statfsSync(folder)
  const end = Math.ceil(100_000 / bsize) * bsize
  // Of file systems that are not known nothing is told.
  expect(writtenEnd(sparse('begin', [0, 100_000]), 100_000)).toBe([0xef53, 0x58465342, 0x01021994].includes(type) ? end : BYTES)
  expect(writtenEnd(sparse('more', [0, 100_000], [900_000, 1]), 100_000)).toBe(BYTES)
  expect(writtenEnd(sparse('next-block', [0, 100_000], [end, 1]), 100_000)).toBe(BYTES)
  expect(writtenEnd(sparse('zeros', [0, BYTES]), 100_000)).toBe(BYTES)
  expect(writtenEnd(sparse('holes', [50_000, 100]), 100_000)).toBe(BYTES)
  expect(writtenEnd(sparse('whole', [0, BYTES]), BYTES)).toBe(BYTES)
})

it('tells nothing of a file that was removed while it is open, and reads it', () => {
  const file = new DiskFolder(folder).open(sparse('removed', [0, 100_000]))
  fs.rmSync(file.path)
  expect(file.writtenEnd!(100_000)).toBe(BYTES)
  expect(file.read(new Uint8Array(10), 0, 10, 99_990)).toBe(10)
  file.close()
})
