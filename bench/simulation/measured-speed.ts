import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { runJob } from '../made/job-run.ts'

/** A vCPU is one of the two threads of a core: what it does of a whole core's work when both are busy. */
export const VCPU_SHARE = 0.6
const MESSAGES = 400_000

/** Bytes of archive that a task replays per second in one thread here: books, and a row a second, from plan to commit. */
export async function measureTaskSpeed(): Promise<number> {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'chronicle-replay-speed-'))
  try {
    const archive = path.join(root, 'archive')
    const { bytes } = await generateArchive(archive, { symbols: 1, messages: MESSAGES, seed: 1, streams: ['book'] })
    const times: number[] = []
    // The first warms up.
    for (let round = 0; round < 3; round++) {
      const startedMs = performance.now()
      await runJob({ archive: new FileStore(archive), table: new FileStore(path.join(root, `table-${round}`)), job: 'book-features' })
      times.push(performance.now() - startedMs)
    }
    return (bytes * 1000) / Math.min(...times)
  } finally {
    fs.rmSync(root, { recursive: true, force: true })
  }
}
