import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { tableSum } from '../../bench/made/job-run.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { startChild } from './child.ts'

const root = temporaryFolder('run-live')
const BIN = path.resolve(import.meta.dirname, '../../cli/bin.mjs')
const archive = path.join(root, 'archive')
const past = path.join(root, 'past')

function run(job: string, from: string, table: string, ...words: string[]): { code: number | null; out: string; err: string } {
  const at = ['--archive', from, '--table', path.join(root, `table-${table}`), ...words]
  const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, 'run', job, ...at], { encoding: 'utf8' })
  return { code: status, out: stdout, err: stderr }
}

beforeAll(async () => {
  await generateArchive(archive, { symbols: 1, messages: 3000, seed: 9, days: 3, dailySnapshot: true })
  fs.cpSync(archive, past, { recursive: true })
  for (const day of fs.globSync('v1/*/*/2024-01-03', { cwd: past })) fs.rmSync(path.join(past, day), { recursive: true })
})

describe('an archive whose newest day is still being written', () => {
  it('gives the days before it; its own partitions are left, told, and done once it rests', { timeout: 120_000 }, async () => {
    const [trades] = fs.globSync('v1/*/*/2024-01-02/trades', { cwd: archive })
    const live = path.join(archive, trades!.replace('2024-01-02', '2024-01-03'))
    fs.rmSync(live, { recursive: true })
    const writer = startChild('append-day', path.join(archive, trades!), live)
    await writer.printed((line) => line === 'ready')
    // A file that a writer makes aside is no part of the log.
    fs.writeFileSync(path.join(live, '000000009.q.tmp'), 'x')
    const job = run('trades', archive, 'live', '--slice', '6h', '--json')
    expect(job.code, job.err).toBe(4)
    const { state, partitions, failures } = JSON.parse(job.out)
    expect(state).toBe('committed')
    expect(partitions).toMatchObject({ run: 12, failed: 4 })
    expect(failures).toMatchObject([{ code: 'input-changed', partitions: 4, first: expect.stringContaining('2024-01-03T00:00:00Z') }])
    expect(job.err).toMatch(/still being written/)
    expect(run('trades', past, 'past', '--slice', '6h').code).toBe(0)
    expect(await tableSum(new FileStore(path.join(root, 'table-live')))).toBe(await tableSum(new FileStore(path.join(root, 'table-past'))))
    writer.process.kill('SIGKILL')
    await writer.ended
    expect(run('trades', archive, 'live', '--slice', '6h').code).toBe(0)
    expect(run('trades', archive, 'rested', '--slice', '6h').code).toBe(0)
    expect(await tableSum(new FileStore(path.join(root, 'table-live')))).toBe(
      await tableSum(new FileStore(path.join(root, 'table-rested'))),
    )
  })
})
