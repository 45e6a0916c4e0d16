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

  test('are written into another place of the bucket, and books begin at them there', async () => {
    const elsewhere = `${runs.archive}-restart-points`
    const written = await runs.submit('snapshots', runs.newTable(), '--param', 'every=6h', '--snapshots-to', `${elsewhere}/`)
    expect(written.code, written.said).toBe(0)
    const keysAt = async (uri: string): Promise<string[]> => {
      const keys: string[] = []
      for await (const { key } of openStore(uri).list('v1/')) if (key.includes('/snapshots/')) keys.push(key)
      return keys
    }
    expect((await keysAt(elsewhere)).length).toBeGreaterThan(0)
    expect(await keysAt(runs.archive)).toEqual([])

    const table = runs.newTable()
    const asked = ['--param', 'every=1m', '--tasks', '6', '--snapshots-from', elsewhere]
    const { code, said, document } = await runs.submit('book-features', table, ...asked)
    expect(code, said).toBe(0)
    expect(await runs.sum(table)).toBe(await runs.localSum('book-features', '--param', 'every=1m'))
    const plan = await openStore(table).get(`_chronicle/runs/${document.run}/plan.json`)
    expect(JSON.parse(Buffer.from(plan!.bytes).toString())).toMatchObject({ restarts: elsewhere })
  })

  test('in another bucket are refused, as no role reaches it', async () => {
    const { code, said } = await runs.submit('snapshots', runs.newTable(), '--snapshots-to', 's3://elsewhere/points')
    expect(code).toBe(2)
    expect(said).toContain('--snapshots-to')
  })
})
