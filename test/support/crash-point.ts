import fs from 'node:fs'

/** What became of the change at which the process died: not begun, or written up to a middle 8-byte word. */
export type CrashKind = 'before' | 'torn'

/**
 * Runs `work` and lets it die at its n-th change of a file (counting from 0): nothing is changed from there on, and its
 * descriptors (with the locks on them) are closed as the kernel would. Real files, no simulation of them.
 * Writes are torn at multiples of 8 bytes, as the kernel copies words; creating and renaming are atomic.
 * Returns whether `work` came that far.
 */
export function crashAt(change: number, kind: CrashKind, work: () => void): boolean {
  const { openSync, closeSync, writeSync, ftruncateSync, renameSync, linkSync, unlinkSync, rmSync, writeFileSync } = fs
  const original = { openSync, closeSync, writeSync, ftruncateSync, renameSync, linkSync, unlinkSync, rmSync, writeFileSync }
  const open = new Set<number>()
  let changes = 0
  let dead = false
  const step = (tear = () => {}): void => {
    if (dead) throw new ProcessDied()
    if (changes++ < change) return
    dead = true
    if (kind === 'torn') tear()
    throw new ProcessDied()
  }
  const stepThen =
    <A extends unknown[]>(change: (...args: A) => void) =>
    (...args: A): void => {
      step()
      change(...args)
    }
  const write = (
    descriptor: number,
    bytes: Uint8Array,
    start = 0,
    length = bytes.length - start,
    position: number | null = null,
  ): number => {
    step(() => writeSync(descriptor, bytes, start, Math.floor(length / 16) * 8, position))
    return writeSync(descriptor, bytes, start, length, position)
  }
  Object.assign(fs, {
    openSync(file: string, flags: string | number, mode?: number): number {
      if (flags === 'w' || (typeof flags === 'number' && (flags & fs.constants.O_CREAT) !== 0)) step()
      const descriptor = openSync(file, flags, mode)
      open.add(descriptor)
      return descriptor
    },
    closeSync(descriptor: number): void {
      open.delete(descriptor)
      closeSync(descriptor)
    },
    writeSync: write,
    // The original's inner open and write would escape the patches.
    writeFileSync(file: string, bytes: Uint8Array): void {
      const descriptor = fs.openSync(file, 'w')
      write(descriptor, bytes)
      fs.closeSync(descriptor)
    },
    ftruncateSync: stepThen(ftruncateSync),
    renameSync: stepThen(renameSync),
    linkSync: stepThen(linkSync),
    unlinkSync: stepThen(unlinkSync),
    rmSync: stepThen(rmSync),
  })
  try {
    work()
  } catch (error) {
    if (!dead) throw error // otherwise the error is of the death, or made of it
  } finally {
    Object.assign(fs, original)
    for (const descriptor of open) closeSync(descriptor)
  }
  return dead
}

class ProcessDied extends Error {
  constructor() {
    super('the process died')
  }
}
