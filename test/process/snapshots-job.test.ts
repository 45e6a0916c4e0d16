import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { runJob } from '../../core/commit/run-job.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder('snapshots-job')
const archive = path.join(folder, 'archive')
const at = ['--archive', archive, '--table', path.join(folder, 'points')]

beforeAll(async () => {
  await runCli('generate', archive, '--symbols', '2', '--messages', '40000', '--days', '2')
})

/** Restart points in the archive, and the bytes of them and their sidecars. */
function written(): { readonly points: number; readonly bytes: number } {
  const files = fs.globSync('v1/**/snapshots/**/*.{bin,json}', { cwd: archive })
  const bytes = files.reduce((sum, file) => sum + fs.statSync(path.join(archive, file)).size, 0)
  return { points: files.filter((file) => file.endsWith('.bin')).length, bytes }
}

describe('the snapshots job', () => {
  it('says where it will write how much before it does, and what it is good for behind', async () => {
    const planned = JSON.parse((await runCli('plan', 'snapshots', ...at, '--json')).out) as {
      restartPoints: { everyNs: string; folders: number; points: number; bytesEach: number; present: number }
    }
    const { points, bytesEach } = planned.restartPoints
    // An hour by default: 24 a day and one at its end.
    expect(planned.restartPoints).toMatchObject({ everyNs: '3600000000000', folders: 4, points: 100, present: 0 })
    const text = await runCli('plan', 'snapshots', ...at)
    expect(text.out).toMatch(
      /restart points: at most 100, every 1h of 4 days of books, of about [\d.]+ kB: [\d.]+ MB in all; beside the logs, in snapshots\//,
    )

    const ran = await runCli('run', 'snapshots', ...at)
    expect([ran.code, ran.err]).toEqual([0, expect.stringContaining('restart points: at most 100')])
    expect(ran.err).toMatch(/next: a run that begins within a day, .* plan book-features --archive \S+ --table TABLE --slice 1h/)
    const made = written()
    expect(made.points).toBeGreaterThan(50)
    expect(made.points).toBeLessThanOrEqual(points)
    expect(bytesEach * made.points).toBeGreaterThan(made.bytes / 2)
    expect(bytesEach * made.points).toBeLessThan(made.bytes * 2)

    const more = await runCli('plan', 'snapshots', ...at, '--param', 'every=10m')
    expect(more.out).toMatch(new RegExp(`at most 580, every 10m .*; ${made.points} are there already`))
  })
})

describe('restart points in another place', () => {
  const elsewhere = path.join(folder, 'elsewhere')
  const features = (table: string, ...more: string[]) => {
    const range = ['--from', '2024-01-01T18:00:00Z', '--to', '2024-01-01T20:00:00Z', '--slice', '1h', '--workers', '1']
    return ['book-features', '--archive', clean, '--table', path.join(folder, table), '--param', 'every=1h', ...range, ...more]
  }
  const clean = path.join(folder, 'clean')
  const files = (place: string) => fs.globSync('**/snapshots/**/*.bin', { cwd: place })
  const json = async (...argv: string[]) => JSON.parse((await runCli(...argv, '--json')).out) as Record<string, unknown>

  beforeAll(async () => {
    await runCli('generate', clean, '--symbols', '1', '--messages', '60000', '--days', '1')
  })

  it('are written there by the job, found there by runs, and change no row and no fingerprint', async () => {
    const without = (await json('plan', ...features('a'))) as { cost: { bytesRead: number } }
    const plain = await json('run', ...features('a'))

    const at = ['--archive', clean, '--table', path.join(folder, 'to')]
    const { err } = await runCli('run', 'snapshots', ...at, '--snapshots-to', elsewhere)
    expect(err).toContain(`in ${elsewhere}, in folders named as the logs'`)
    expect(err).toMatch(/next: .* --slice 1h --snapshots-from /)
    expect([files(clean).length, files(elsewhere).length > 20]).toEqual([0, true])
    // The same table of the job, another place.
    expect((await json('plan', 'snapshots', ...at, '--snapshots-to', elsewhere)).partitions).toMatchObject({ cached: 1 })
    expect((await json('plan', 'snapshots', ...at)).partitions).toMatchObject({ cached: 0, stale: 1 })

    const there = (await json('plan', ...features('b', '--snapshots-from', elsewhere))) as { cost: { bytesRead: number } }
    expect(there.cost.bytesRead).toBeLessThan(without.cost.bytesRead / 3)
    const ran = await json('run', ...features('b', '--snapshots-from', elsewhere))
    expect(ran.rows).toBe(plain.rows)
    expect(Number(ran.bytes)).toBeLessThan(Number(plain.bytes) / 2)
    const sums = await Promise.all(['a', 'b'].map((table) => json('checksum', path.join(folder, table))))
    expect(sums[1]).toEqual(sums[0])
    // What is done is done, wherever restart points lie.
    expect((await json('plan', ...features('a', '--snapshots-from', elsewhere))).partitions).toMatchObject({ run: 0, stale: 0 })
    // A run of the library.
    const table = path.join(folder, 'c')
    const { rows } = await runJob({ job: 'book-features', archive: clean, table, restarts: elsewhere, params: { every: '1h' }, from: '2024-01-01T18:00:00Z', to: '2024-01-01T20:00:00Z', slice: '1h', workers: 1 }) // biome-ignore format: options
    expect(rows).toBe(plain.rows)
  })

  it('are written there by the command, and removed by age, as is told before and behind', async () => {
    const made = await json('snapshot', clean, '--every', '30m', '--snapshots-to', elsewhere)
    expect(Number(made.written)).toBeGreaterThan(10)
    expect(files(clean)).toEqual([])
    const all = files(elsewhere)
    const old = all.filter((_, i) => i % 3 === 0)
    const longAgo = new Date(Date.now() - 40 * 86_400_000)
    for (const file of old) fs.utimesSync(path.join(elsewhere, file), longAgo, longAgo)
    const keep = ['snapshot', clean, '--keep', '30d', '--snapshots-to', elsewhere]
    const dry = await runCli(...keep, '--dry-run')
    expect(dry.out).toMatch(new RegExp(`^${old.length} restart points would be removed, [\\d.]+ kB; ${all.length - old.length} kept\\n$`))
    expect(files(elsewhere)).toHaveLength(all.length)
    expect(await json(...keep)).toEqual({ removed: old.length, bytes: expect.any(Number), kept: all.length - old.length })
    expect(files(elsewhere)).toEqual(all.filter((file) => !old.includes(file)))
    // No sidecar is left behind, and those beside the logs are another matter.
    expect(fs.globSync('**/snapshots/**/*.json', { cwd: elsewhere })).toHaveLength(all.length - old.length)
    expect(await json('snapshot', clean, '--keep', '0s')).toEqual({ removed: 0, bytes: 0, kept: 0 })
    expect(await json('snapshot', elsewhere, '--keep', '0s', '--snapshots-to', elsewhere)).toMatchObject({ kept: 0 })
  })

  it('are asked for by the option that fits', async () => {
    for (const [argv, message] of [
      [features('a', '--snapshots-to', elsewhere), 'that is --snapshots-from'],
      [['snapshots', ...at, '--snapshots-from', elsewhere], 'that is --snapshots-to'],
    ] as const) {
      const { code, err } = await runCli('plan', ...argv)
      expect([code, err]).toEqual([2, expect.stringContaining(message)])
    }
    expect((await runCli('snapshot', clean, '--keep', '1d', '--every', '1h')).err).toContain('either --keep')
    expect((await runCli('snapshot', clean, '--dry-run')).err).toContain('--dry-run goes with --keep')
  })
})
