import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
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
