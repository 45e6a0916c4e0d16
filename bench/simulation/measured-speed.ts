import { fork } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { FileStore } from '../../core/store/file-store.ts'
import type { ObjectStore } from '../../core/store/object-store.ts'
import { openStore } from '../../core/store/open-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { runJob } from '../made/job-run.ts'
import '../../core/provide-library.ts'
import type { Between } from './cloud-world.ts'

/** A vCPU is one of the two threads of a core: what it does of a whole core's work when both are busy. */
export const VCPU_SHARE = 0.6
const MESSAGES = 400_000
const ROUNDS = 4

/** Bytes of archive that a task replays per second of one CPU here, from plan to commit: books, and a row a second. */
export interface MeasuredSpeed {
  /** From page cache. */
  readonly fromDisk: Between
  /** From an S3 of its own on this machine, in another process, through TLS. */
  readonly throughTls: Between
}

export async function measureTaskSpeed(): Promise<MeasuredSpeed> {
  const root = fs.mkdtempSync(path.join(os.tmpdir(), 'chronicle-replay-speed-'))
  const archive = path.join(root, 'archive')
  const server = fork(path.join(import.meta.dirname, 'tls-archive.ts'), [archive])
  // Of the server's certificate it is known who made it.
  Object.assign(process.env, { NODE_TLS_REJECT_UNAUTHORIZED: '0', NODE_NO_WARNINGS: '1' })
  try {
    const [port] = (await once(server, 'message')) as [number]
    const { bytes } = await generateArchive(archive, { symbols: 1, messages: MESSAGES, seed: 1, streams: ['book'] })
    const credentials = { accessKeyId: 'a', secretAccessKey: 'b' }
    const stores = [new FileStore(archive), openStore('s3://archive', { endpoint: `https://127.0.0.1:${port}`, credentials })]
    const speeds: [number[], number[]] = [[], []]
    // In turn, and the first round warms up.
    for (let round = 0; round < ROUNDS; round++) {
      for (const [i, store] of stores.entries()) {
        const seconds = await cpuSecondsOf(store, path.join(root, `table-${i}-${round}`))
        if (round > 0) speeds[i]!.push(bytes / seconds)
      }
    }
    const [fromDisk, throughTls] = speeds.map((all): Between => [Math.min(...all), Math.max(...all)]) as [Between, Between]
    return { fromDisk, throughTls }
  } finally {
    server.kill()
    delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
    fs.rmSync(root, { recursive: true, force: true })
  }
}

/** CPU time of this process: on a machine that is busy with something else, the clock tells of that. */
async function cpuSecondsOf(archive: ObjectStore, table: string): Promise<number> {
  const before = process.cpuUsage()
  await runJob({ archive, table: new FileStore(table), job: 'book-features' })
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1e6
}
