import { spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { S3Store } from '../../core/store/s3-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { uploadFolder } from '../support/upload-folder.ts'
import { describeCloud } from './cloud.ts'

const SYMBOLS = 4
/** It takes about 85 MB; single peaks of this small run lie up to 20 % beside what a long one shows. */
const MAX_BYTES = 102e6
const MALLOC = Object.fromEntries(
  fs
    .readFileSync(path.resolve(import.meta.dirname, '../../functions/Dockerfile'), 'utf8')
    .matchAll(/(MALLOC_\w+)=(\d+)/g)
    .map(([, name, value]) => [name!, value!]),
)

describeCloud('workers that read from S3', (cloud) => {
  const { endpoint } = cloud.server
  const bucket = `memory-${process.pid}-${Date.now()}`
  const tables = temporaryFolder('worker-memory-tables')
  let client: S3Client

  beforeAll(async () => {
    const folder = temporaryFolder('worker-memory')
    await generateArchive(folder, { symbols: SYMBOLS, messages: 2_000_000, seed: 7, segmentBytes: 32 << 20 })
    client = new S3Client({ endpoint, forcePathStyle: true, region: 'us-east-1' })
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
    await uploadFolder(folder, new S3Store({ bucket, prefix: 'archive', endpoint }))
  })
  afterAll(() => client.destroy())

  /** Peak of resident memory of a run over all symbols, bytes. */
  async function peakOf(workers: number): Promise<number> {
    const main = path.resolve(import.meta.dirname, '../../cli/main.ts')
    const places = ['--archive', `s3://${bucket}/archive`, '--endpoint', endpoint, '--table', path.join(tables, String(workers))]
    const argv = [main, 'run', 'book-features', '--param', 'every=1s', ...places, '--workers', String(workers), '--quiet']
    const child = spawn(process.execPath, argv, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, ...MALLOC } })
    let peak = 0
    const timer = setInterval(() => {
      const status = fs.readFileSync(`/proc/${child.pid}/status`, 'utf8')
      peak = Math.max(peak, 1024 * Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0))
    }, 20)
    const code = await new Promise<number | null>((resolve) => child.on('exit', resolve))
    clearInterval(timer)
    expect(code).toBe(0)
    return peak
  }

  // Elsewhere than on Linux nothing tells the peak so simply.
  test.runIf(fs.existsSync('/proc/self/status'))('each further one takes about 100 MB at most', async () => {
    const [one, all] = [await peakOf(1), await peakOf(SYMBOLS)]
    const further = (all - one) / (SYMBOLS - 1)
    console.log(`one worker ${(one / 1e6).toFixed(0)} MB, each further one ${(further / 1e6).toFixed(0)} MB`)
    expect(further).toBeLessThan(MAX_BYTES)
  })
})
