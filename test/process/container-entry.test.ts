import { spawn } from 'node:child_process'
import fs from 'node:fs'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { tableSum } from '../../bench/made/job-run.ts'
import { bundleJob, loadJob } from '../../core/job/bundle.ts'
import { engineHash } from '../../core/job/engine-hash.ts'
import { outlineJob } from '../../core/job/job-outline.ts'
import { listArchive } from '../../core/plan/archive/archive-listing.ts'
import { findRequest, handListing, type RunRequest } from '../../core/plan/run-request.ts'
import { writeSchedule } from '../../core/plan/run-schedule.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { assembleImage } from '../../functions/assemble.ts'
import { runCli } from '../support/run-cli.ts'
import { submitRun } from '../support/submitted-run.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/*
 * The entry as the image has it: the assembled folder alone, another user (where the tests may change to one), and no
 * environment but what a test gives.
 */

const root = temporaryFolder('container')
const [image, archive] = [path.join(root, 'image'), path.join(root, 'archive')]
/** Node's program where the other user may run it: a checkout may lie in a folder that is its owner's alone. */
const node = path.join(root, 'node')
const unruly = path.resolve(import.meta.dirname, '../support/jobs/unruly.ts')
const NOBODY = 65_534
const user = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {}

interface LogLine {
  readonly event: string
  readonly run: string
  readonly task: string | null
  readonly partition: string | null
  readonly attempt: string
  readonly [more: string]: unknown
}

interface Ended {
  readonly code: number | null
  readonly lines: readonly LogLine[]
}

/** Runs the entry; `onLine` hears of its log. */
function entry(argv: readonly string[], env: NodeJS.ProcessEnv = {}, onLine?: (line: LogLine, kill: () => void) => void): Promise<Ended> {
  const child = spawn(node, [path.join(image, 'main.js'), ...argv], {
    cwd: '/',
    env,
    ...user,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const lines: LogLine[] = []
  let rest = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n')
    rest = parts.pop()!
    for (const part of parts) {
      const line = JSON.parse(part) as LogLine
      lines.push(line)
      onLine?.(line, () => child.kill('SIGTERM'))
    }
  })
  return new Promise((resolve, reject) => child.on('error', reject).on('close', (code) => resolve({ code, lines })))
}

function folder(name: string): string {
  const made = path.join(root, name)
  fs.mkdirSync(made)
  return made
}

/** A submitted and planned run, as the user of the entry sees it. */
async function plannedRun(table: string, job: string, more: Partial<RunRequest> & { readonly params?: object } = {}): Promise<string> {
  const run = await submitRun(job, table, { archive, ...more } as Parameters<typeof submitRun>[2])
  own(table)
  const planned = await entry(['plan', run])
  expect(planned.code, JSON.stringify(planned.lines)).toBe(0)
  return run
}

/** Everything the tests wrote belongs to the user of the entry. */
function own(place: string): void {
  if (user.uid === undefined) return
  fs.chownSync(place, user.uid, user.gid)
  for (const name of fs.readdirSync(place, { recursive: true, encoding: 'utf8' })) fs.chownSync(path.join(place, name), user.uid, user.gid)
}

function tasksOf(run: string): { readonly task: string; readonly seconds: number }[] {
  return JSON.parse(fs.readFileSync(path.join(run, 'tasks.json'), 'utf8'))
}

function outcomeOf(run: string): {
  readonly state: string
  readonly failures: readonly { code: string; message: string; partitions: number }[]
} {
  return JSON.parse(fs.readFileSync(path.join(run, 'outcome.json'), 'utf8'))
}

beforeAll(async () => {
  fs.chmodSync(root, 0o755)
  fs.copyFileSync(process.execPath, node)
  await Promise.all([assembleImage(image), generateArchive(archive, { symbols: 3, messages: 12_000, seed: 3, segmentBytes: 1 << 18 })])
})

describe('the image', () => {
  it('is small and has nothing of node_modules', () => {
    const files = fs.readdirSync(image, { recursive: true, encoding: 'utf8' })
    expect(files).toEqual(expect.arrayContaining(['main.js', 'task-worker.js', 'engine-hash.txt', 'package.json']))
    expect(files.join(' ')).not.toMatch(/node_modules|duckdb|esbuild|\.node\b/)
    expect(files.reduce((sum, name) => sum + fs.statSync(path.join(image, name)).size, 0)).toBeLessThan(4 << 20)
  })

  it('reaches S3', async () => {
    const asked: string[] = []
    const server = http.createServer((request, response) => {
      asked.push(`${request.method} ${request.url?.replace(/\?.*/, '')}`)
      response.writeHead(404, { 'content-type': 'application/xml' }).end('<Error><Code>NoSuchKey</Code></Error>')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    try {
      const { port } = server.address() as AddressInfo
      const credentials = { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test', AWS_REGION: 'us-east-1' }
      const run = 's3://tables/bars/_chronicle/runs/20240808T120000Z-7f3a09c2'
      const { code, lines } = await entry(['plan', run], { AWS_ENDPOINT_URL: `http://127.0.0.1:${port}`, ...credentials })
      expect([code, lines.at(-1)?.code]).toEqual([12, 'run-unknown'])
      expect(asked[0]).toBe('GET /tables/bars/_chronicle/runs/20240808T120000Z-7f3a09c2/request.json')
    } finally {
      server.close()
    }
  })
})

describe('plan, task, commit', () => {
  it('come to the rows of a local run', async () => {
    const [local, table] = [folder('local'), folder('table')]
    const options = ['--archive', archive, '--slice', '6h', '--param', 'every=10s']
    expect((await runCli('run', 'bars', '--table', local, ...options)).code).toBe(0)
    const run = await plannedRun(table, 'bars', { slice: '6h', minTasks: 3, params: { every: ['10s'] } })
    expect(tasksOf(run).length).toBeGreaterThanOrEqual(3)
    const done = await Promise.all(tasksOf(run).map(({ task }) => entry(['task', run, task], { TASK_VCPUS: '2' })))
    for (const { code, lines } of done) {
      expect(code, JSON.stringify(lines.at(-1))).toBe(0)
      for (const line of lines) expect(line).toMatchObject({ run: path.basename(run), task: expect.stringMatching(/^\d{6}$/) })
      expect(lines.filter(({ event }) => event === 'partition-done').every(({ partition }) => partition !== null)).toBe(true)
      expect(lines.find(({ event }) => event === 'metrics')).toMatchObject({
        _aws: { CloudWatchMetrics: [{ Namespace: 'ChronicleReplay', Dimensions: [['Job']] }] },
        ...{ Job: 'bars', Messages: expect.any(Number), Cost: expect.any(Number) },
      })
    }
    expect((await entry(['commit', run])).code).toBe(0)
    expect(await tableSum(new FileStore(table))).toBe(await tableSum(new FileStore(local)))
    expect(outcomeOf(run)).toMatchObject({ state: 'committed', version: 0, partitions: { missing: 0 }, failures: [] })
  })

  it('plan from the listing that submit hands over, and list where there is none', async () => {
    const table = folder('handed')
    const run = await submitRun('trades', table, { archive })
    const [listing, request] = await Promise.all([
      listArchive(new FileStore(archive)),
      findRequest(new FileStore(table), path.basename(run)),
    ])
    // Of the archive as it was a moment ago: what a task then finds changed, it says.
    const [one, ...others] = listing.instruments
    await handListing(new FileStore(table), request!, { ...listing, instruments: [one!] })
    own(table)
    expect((await entry(['plan', run])).lines.at(-1)).toMatchObject({ event: 'planned', isListed: false, run: one!.folders.length / 3 })
    const listed = await submitRun('trades', folder('listed'), { archive })
    own(path.join(root, 'listed'))
    expect((await entry(['plan', listed])).lines.at(-1)).toMatchObject({
      isListed: true,
      run: ((1 + others.length) * one!.folders.length) / 3,
    })
  })

  it('can each be done again', async () => {
    const table = folder('again')
    const run = await plannedRun(table, 'trades')
    const before = fs.readdirSync(run, { recursive: true }).length
    expect(await entry(['plan', run])).toMatchObject({ code: 0, lines: [{ event: 'planned-before' }] })
    expect(fs.readdirSync(run, { recursive: true })).toHaveLength(before)
    for (const { task } of [...tasksOf(run), ...tasksOf(run)]) expect((await entry(['task', run, task])).code).toBe(0)
    // The second time there was nothing to do, and so nothing to tell.
    expect(fs.readdirSync(path.join(run, 'receipts'))).toHaveLength(tasksOf(run).length)
    expect((await entry(['commit', run])).code).toBe(0)
    expect((await entry(['commit', run])).code).toBe(0)
    expect(outcomeOf(run).state).toBe('unchanged')
  })

  it('makes a run of a schedule out of what is pinned, of the days before its time', async () => {
    const table = folder('scheduled')
    const [first] = fs.globSync('v1/synthetic/*/*', { cwd: archive }).map((day) => path.basename(day))
    const bundle = await bundleJob('trades')
    const outline = outlineJob(await loadJob(bundle.code, 'trades'))
    const pinned = { version: 1, bundle: bundle.hash, engine: await engineHash(), archive, outline, last: '1d' } as const
    const schedule = await writeSchedule(new FileStore(table), pinned, bundle.code)
    own(table)
    const time = new Date(Date.parse(first!) + 86_400_000 + 1_800_000).toISOString().replaceAll(/[-:]/g, '').slice(0, 15)
    const run = `${table}/_chronicle/runs/${time}Z-${schedule}`
    const planned = await Promise.all([entry(['plan', run]), entry(['plan', run])])
    expect(planned.map(({ code }) => code)).toEqual([0, 0])
    for (const { task } of tasksOf(run)) expect((await entry(['task', run, task])).code).toBe(0)
    expect((await entry(['commit', run])).code).toBe(0)
    const cells = fs.globSync('venue=*/*/part-*', { cwd: table }).map((part) => path.basename(part).slice(0, 13))
    expect(cells).toEqual(Array(3).fill(`part-${first!.replaceAll('-', '')}`))
  })

  it('says what is missing, and a second attempt does not repeat what is hopeless', async () => {
    const table = folder('partial')
    const symbol = fs.readdirSync(path.join(archive, 'v1/synthetic')).sort()[0]!
    const run = await plannedRun(table, unruly, { params: { mode: 'throw', where: symbol } })
    const [first, second] = [1, 2].map((attempt) => ({ AWS_BATCH_JOB_ID: 'job-1', AWS_BATCH_JOB_ATTEMPT: String(attempt) }))
    for (const { task } of tasksOf(run)) {
      const { code, lines } = await entry(['task', run, task], first)
      expect(code).toBe(12)
      expect(lines.at(-1)).toMatchObject({ event: 'task-failed', code: 'job-threw' })
      const again = await entry(['task', run, task], second)
      expect(again.code).toBe(12)
      expect(again.lines.at(-1)).toMatchObject({ done: 0, failed: 0, before: { failed: 2 } })
      // Another job, as a resumption makes it, tries.
      expect((await entry(['task', run, task])).lines.at(-1)).toMatchObject({ failed: 2 })
    }
    expect((await entry(['commit', run])).code).toBe(14)
    expect(outcomeOf(run)).toMatchObject({ state: 'refused', failures: [{ code: 'job-threw', partitions: 2 }] })
  })
})

describe('a task', () => {
  it('shows the job nothing of the environment but access to the stores', async () => {
    const run = await plannedRun(folder('environment'), unruly, { params: { mode: 'environment' } })
    const env = { SECRET: 'x', AWS_REGION: 'eu-west-1', AWS_BATCH_JOB_ID: 'j', AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: '/role' }
    const { lines } = await entry(['task', run, '000000'], env)
    const { message } = lines.find(({ event }) => event === 'partition-failed')!
    expect(message).toContain('environment: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI AWS_REGION ')
    expect(message).not.toMatch(/SECRET|BATCH/)
  })

  it('survives a job that ends its thread, and tells', async () => {
    const run = await plannedRun(folder('exit'), unruly, { params: { mode: 'exit' } })
    const { code, lines } = await entry(['task', run, '000000'], { TASK_VCPUS: '2' })
    expect(code).toBe(170)
    expect(lines.find(({ event }) => event === 'partition-failed')).toMatchObject({ code: 'worker-died' })
  })

  it('ends by SIGTERM with 75 and the receipts of what is done; another attempt does the rest', async () => {
    const table = folder('stopped')
    const run = await plannedRun(table, unruly, { params: { mode: 'slow', where: lastSymbol(), ms: 1 } })
    const { code, lines } = await entry(['task', run, '000000'], { TASK_VCPUS: '1' }, ({ event }, kill) => {
      if (event === 'partition-done') kill()
    })
    expect(code).toBe(75)
    const done = lines.filter(({ event }) => event === 'partition-done').length
    expect(done).toBeGreaterThan(0)
    expect(lines.findLast(({ event }) => event === 'partition-failed')).toMatchObject({ code: 'task-stopped', category: 'transient' })
    const again = await entry(['task', run, '000000'], { TASK_VCPUS: '2' })
    expect(again).toMatchObject({ code: 0 })
    expect(again.lines.at(-1)).toMatchObject({ before: { done, failed: 0 } })
    expect((await entry(['commit', run])).code).toBe(0)
  })

  it('that hangs is stopped within 20 s of SIGTERM', async () => {
    const run = await plannedRun(folder('hanging'), unruly, { params: { mode: 'hang' } })
    // What hangs is named before.
    const ended = entry(['task', run, '000000'], { IDLE_MS: '400' }, ({ event }, kill) => {
      if (event === 'no-progress') kill()
    })
    const { code, lines } = await ended
    expect(code).toBe(75)
    const [stopping, told] = ['stopping', 'partition-failed'].map((event) => lines.find((line) => line.event === event)!)
    expect(Date.parse(told!.time as string) - Date.parse(stopping!.time as string)).toBeLessThan(20_000)
  })
})

describe('exit codes', () => {
  it('are 12 for what was asked wrongly', async () => {
    expect(await entry([])).toMatchObject({ code: 12, lines: [{ code: 'usage' }] })
    expect(await entry(['task', '/somewhere'])).toMatchObject({ code: 12 })
    expect(await entry(['plan', '/somewhere'])).toMatchObject({ code: 12, lines: [{ code: 'usage' }] })
    const nowhere = path.join(folder('nothing'), '_chronicle/runs/20240808T120000Z-7f3a09c2')
    for (const command of ['plan', 'commit'])
      expect(await entry([command, nowhere])).toMatchObject({ code: 12, lines: [{ code: 'run-unknown' }] })
  })

  it('are 12 for another engine, and for a run that was cancelled', async () => {
    const table = folder('refused')
    const other = await submitRun('trades', table, { archive, engine: 'other' })
    own(table)
    expect(await entry(['plan', other])).toMatchObject({ code: 12, lines: [{ code: 'engine-differs' }] })
    const run = await plannedRun(table, 'trades')
    fs.writeFileSync(path.join(run, 'cancel'), '')
    for (const argv of [
      ['task', run, '000000'],
      ['commit', run],
    ])
      expect((await entry(argv)).lines.at(-1)).toMatchObject({ event: 'failed', code: 'run-cancelled' })
  })

  it('are 13 for corrupt data', async () => {
    const damaged = path.join(root, 'damaged')
    fs.cpSync(archive, damaged, { recursive: true })
    for (const segment of fs.globSync('v1/*/*/*/trades/000000000.q', { cwd: damaged })) {
      const file = fs.openSync(path.join(damaged, segment), 'r+')
      fs.writeSync(file, Buffer.from('damaged'), 0, 7, 0)
      fs.closeSync(file)
    }
    const run = await plannedRun(folder('corrupt'), 'trades', { archive: damaged })
    expect((await entry(['task', run, '000000'])).code).toBe(13)
  })
})

function lastSymbol(): string {
  return fs.readdirSync(path.join(archive, 'v1/synthetic')).sort().at(-1)!
}
