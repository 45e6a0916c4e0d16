import { beforeAll, expect, test } from 'vitest'
import { openStore } from '../../core/store/open-store.ts'
import { describeCloud } from './cloud.ts'
import { CloudRuns, SLICE } from './cloud-runs.ts'

describeCloud('restart points', (cloud) => {
  const runs = new CloudRuns(cloud, 'snapshots')
  // A copy of its own: the other files of tests plan over an archive without restart points.
  const archive = `${runs.archive}-with-snapshots`
  const place = ['--archive', archive, '--slice', SLICE]

  beforeAll(async () => {
    await runs.open()
    await runs.upload(runs.localArchive, archive)
  })

  test('are written into the archive by tasks of their own role, and books begin at them', async () => {
    const written = await runs.submit('snapshots', runs.newTable(), '--param', 'every=6h', ...place)
    expect(written.code, written.said).toBe(0)
    const definitions = new Set(
      (await runs.jobs(`${written.document.run}-task-`)).map((job) => job.jobDefinition!.split('/')[1]!.split(':')[0]),
    )
    expect(definitions).toEqual(new Set([`${cloud.stack}-snapshots`]))
    const points: string[] = []
    for await (const { key } of openStore(archive).list('v1/')) if (key.includes('/snapshots/')) points.push(key)
    expect(points.length).toBeGreaterThan(0)

    const table = runs.newTable()
    const { code, said } = await runs.submit('book-features', table, '--param', 'every=1m', '--tasks', '6', ...place)
    expect(code, said).toBe(0)
    expect(await runs.sum(table)).toBe(await runs.localSum('book-features', '--param', 'every=1m'))
  })
})
