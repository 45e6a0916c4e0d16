import path from 'node:path'
import { BatchClient, type JobSummary, ListJobsCommand } from '@aws-sdk/client-batch'
import { expect } from 'vitest'
import { tableSum } from '../../bench/made/job-run.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { openStore } from '../../core/store/open-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import type { LocalCloud } from '../../localstack/local-cloud.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { uploadFolder } from '../support/upload-folder.ts'

/** The document of `submit`, `resume` and `status`, as far as tests look at it. */
export interface RunDocument {
  readonly run: string
  readonly uri: string
  readonly state: string
  readonly tasks: { readonly total: number } | null
  readonly outcome: {
    readonly state: string
    readonly version: number
    readonly partitions: { readonly planned: number; readonly done: number; readonly missing: number }
    readonly failures: readonly { readonly code: string; readonly message: string; readonly partitions: number }[]
  } | null
  readonly failedJobs: readonly { readonly reason: string; readonly exitCode: number | null; readonly first: string }[]
}

export interface Ended {
  readonly code: number
  readonly document: RunDocument
  readonly said: string
}

/** Symbols × days of the synthetic archive, and the slice that the tests cut it into: 2 × 2 × 4 partitions. */
const SYNTHETIC = { symbols: 2, messages: 12_000, seed: 7, segmentBytes: 1 << 17 }
export const SLICE = '6h'

/** Runs on the deployed stack by the command line, and what they have to be compared with. */
export class CloudRuns {
  readonly archive: string
  readonly #cloud: LocalCloud
  readonly #folder: string
  readonly #name: string
  #tables = 0

  constructor(cloud: LocalCloud, name: string) {
    this.#cloud = cloud
    this.#folder = temporaryFolder(`cloud-${name}`)
    this.archive = `s3://${cloud.outputs.ArchiveBucket}/synthetic`
    this.#name = name
  }

  /** Puts the synthetic archive onto S3, unless another file of tests has. To be called before all tests. */
  async open(): Promise<void> {
    await generateArchive(this.localArchive, SYNTHETIC)
    await this.upload(this.localArchive, this.archive)
  }

  get localArchive(): string {
    return path.join(this.#folder, 'archive')
  }

  /** Copies a local archive, unless it is there. */
  async upload(folder: string, uri: string): Promise<void> {
    const store = openStore(uri)
    for await (const _ of store.list('v1/')) return
    await uploadFolder(folder, store, 'v1')
  }

  /** URI of a table that is not there yet. */
  newTable(): string {
    return `s3://${this.#cloud.outputs.TableBucket}/${this.#name}-${this.#tables++}`
  }

  /** Submits a job over the synthetic archive and follows it. */
  async submit(job: string, table: string, ...options: readonly string[]): Promise<Ended> {
    const place = options.includes('--archive') ? [] : ['--archive', this.archive, '--slice', SLICE]
    return await this.command('submit', job, '--stack', this.#cloud.stack, '--table', table, ...place, ...options)
  }

  async command(...argv: readonly string[]): Promise<Ended> {
    const { code, out, err } = await runCli(...argv, '--json')
    return { code, document: (out.trim() === '' ? {} : JSON.parse(out)) as RunDocument, said: err }
  }

  /** Rows and hash sum of a table on S3. */
  async sum(table: string): Promise<string> {
    return await tableSum(openStore(table))
  }

  /** The same of a run on this machine. */
  async localSum(job: string, ...options: readonly string[]): Promise<string> {
    const table = path.join(this.#folder, `table-${this.#tables++}`)
    const place = options.includes('--archive') ? [] : ['--archive', this.localArchive, '--slice', SLICE]
    const { code, err } = await runCli('run', job, '--table', table, ...place, ...options)
    expect(code, err).toBe(0)
    return await tableSum(new FileStore(table))
  }

  /** Versions of a table's log. */
  async versions(table: string): Promise<number> {
    let count = 0
    for await (const { key } of openStore(table).list('_delta_log/')) if (/\/\d{20}\.json$/.test(key)) count++
    return count
  }

  /** All Batch jobs whose names begin so, of all queues. */
  async jobs(prefix: string): Promise<JobSummary[]> {
    const client = new BatchClient({})
    const queues = Object.entries(this.#cloud.outputs).flatMap(([name, arn]) => (name.endsWith('QueueArn') ? [arn] : []))
    const jobs: JobSummary[] = []
    for (const jobQueue of queues) {
      let nextToken: string | undefined
      do {
        const filters = [{ name: 'JOB_NAME', values: [`${prefix}*`] }]
        const page = await client.send(new ListJobsCommand({ jobQueue, filters, nextToken }))
        jobs.push(...(page.jobSummaryList ?? []))
        nextToken = page.nextToken
      } while (nextToken !== undefined)
    }
    return jobs
  }
}
