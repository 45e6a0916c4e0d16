import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { commitRun } from '../../core/commit/commit.ts'
import { outcomeOf, writeOutcome } from '../../core/commit/run-outcome.ts'
import { howOf } from '../../core/import/import-how.ts'
import { planImport } from '../../core/import/import-plan.ts'
import { findSources } from '../../core/import/source-files.ts'
import { bundleJob, loadJob } from '../../core/job/bundle.ts'
import { outlineJob } from '../../core/job/job-outline.ts'
import { claimArchive } from '../../core/plan/imports/import-claim.ts'
import { planImportRun } from '../../core/plan/imports/import-run-plan.ts'
import { CHECKED_FOLDER, isChecked } from '../../core/plan/run/checked-code.ts'
import { findOpenRuns } from '../../core/plan/run/open-runs.ts'
import { readTasks } from '../../core/plan/run/plan-document.ts'
import { finishPlan, writePlan, writeSharedPlan } from '../../core/plan/run/plan-writer.ts'
import { markCancelled } from '../../core/plan/run/run-cancel.ts'
import { newRunId, runFiles } from '../../core/plan/run/run-files.ts'
import { findRequest, planRequest, writeRequest } from '../../core/plan/run-request.ts'
import { adoptSchedule, writeSchedule } from '../../core/plan/run-schedule.ts'
import { EMPTY_FOLDER, emptyCellsKey } from '../../core/plan/table/cell-record.ts'
import { CELLS_FOLDER, segmentsOf } from '../../core/plan/table/cell-segment.ts'
import { readCommittedParts } from '../../core/plan/table/committed-parts.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { generateArchive } from '../../core/synthetic/archive.ts'
import type { TableState } from '../../core/table/delta-log.ts'
import { vacuum } from '../../core/table/vacuum.ts'
import { workImport } from '../../core/task/import-task.ts'
import { runTask } from '../../core/task/task.ts'
import { IMPORT_DEFAULTS } from '../support/imported.ts'
import { Denied, isAllowed, RoleStore, type Statement } from '../support/role-store.ts'
import { Synthesized } from '../support/synthesized.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const root = temporaryFolder('infra-roles')
const ARCHIVE = '<StorageArchive>'
const TABLE = '<StorageTable>'
const KINDS = ['Plan', 'Task', 'Snapshots', 'Import', 'Commit', 'ArchiveCommit', 'Vacuum', 'Submitter'] as const
type Kind = (typeof KINDS)[number]
/** Lengths of bars, seconds: a table takes one more variant with each run. */
const BARS = [1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 15]

describe('the roles of the stack', () => {
  const archive = new FileStore(path.join(root, 'archive'))
  let stack: Synthesized
  let runs = 0

  beforeAll(async () => {
    stack = new Synthesized()
    await generateArchive(archive.uri, { symbols: 1, messages: 500, seed: 3, segmentBytes: 65_536 })
  }, 120_000)

  const rightsOf = (kind: Kind): Statement[] => (kind === 'Submitter' ? stack.managed('Submitter') : stack.statements(`Roles${kind}`))

  /** Both stores as a role sees them. */
  const as = (kind: Kind, table: FileStore, prefix: string) => {
    const statements = rightsOf(kind)
    return {
      table: new RoleStore(table, statements, TABLE, prefix),
      archive: new RoleStore(archive, statements, ARCHIVE, 'recorded/'),
    }
  }

  /** A whole run, each step with its role. */
  const run = async (source: string, table: FileStore, prefix: string, everyMs: number | null) => {
    const bundle = await bundleJob(source)
    const id = newRunId(1_723_161_255_000 + 1000 * runs++, () => 0.5)
    const job = await loadJob(bundle.code, source)
    const live = await readCommittedParts(as('Submitter', table, prefix).table)
    const outline = outlineJob(job, everyMs === null ? {} : { every: [`${everyMs}ms`] }, live)
    const submitter = as('Submitter', table, prefix)
    await writeRequest(submitter.table, {
      version: 1,
      run: id,
      createdMs: 1,
      bundle: bundle.hash,
      engine: 'engine',
      archive: archive.uri,
      outline,
      check: 1,
    })
    await submitter.table.put(runFiles(id).bundle, Buffer.from(bundle.code), 'absent')

    const planner = as('Plan', table, prefix)
    expect(await finishPlan(planner.table, id)).toBe(false)
    await writeSharedPlan(planner.table, await planRequest((await findRequest(planner.table, id))!, planner), 'p1')
    const worker = as(source === 'snapshots' ? 'Snapshots' : 'Task', table, prefix)
    for (const { task } of await readTasks(table, id)) {
      const result = await runTask({ ...worker, run: id, task, attempt: 'a1', clock: Date.now })
      expect(result.failed).toEqual([])
    }
    const committer = as('Commit', table, prefix)
    const result = await commitRun(committer.table, id, { clock: Date.now, random: Math.random })
    await writeOutcome(committer.table, outcomeOf(result, { attempt: 'a1', endedMs: 1 }))
    expect(result).toMatchObject({ state: 'committed', warning: null })
    if (source !== 'snapshots') expect(result.check).toMatchObject({ partitions: 1, telling: 1, findings: [] })
    return id
  }

  it.each(['', 'research/flow/'])('are enough for runs, a checkpoint and vacuum of a table at "%s"', async (prefix) => {
    const table = new FileStore(path.join(root, `table-${prefix.length}`))
    for (const seconds of prefix === '' ? [1] : BARS) await run('bars', table, prefix, 1000 * seconds)
    for await (const { key } of table.list(CHECKED_FOLDER)) expect(key).toMatch(/[0-9a-f]{32}\.json$/)
    expect(await isChecked(table, (await bundleJob('bars')).hash)).toBe(true)
    // Every tenth version has a checkpoint.
    expect(await table.get('_delta_log/_last_checkpoint')).toEqual(prefix === '' ? null : expect.anything())
    const { table: seen } = as('Vacuum', table, prefix)
    const replaced = [
      { folder: EMPTY_FOLDER, keep: async (state: TableState) => [await emptyCellsKey(seen, state)] },
      { folder: CELLS_FOLDER, keep: async (state: TableState) => segmentsOf(state) },
    ]
    await vacuum(seen, { olderThanMs: -1000, nowMs: Date.now(), isOpenRun: await findOpenRuns(seen), replaced })
  })

  it('let the snapshots job write beside the logs, and no other', async () => {
    const table = new FileStore(path.join(root, 'snapshots'))
    await run('snapshots', table, 'snapshots/', null)
    const key = 'binance/A/2024-01-01/book/snapshots/1/2/snapshot_3.bin'
    for (const kind of KINDS.filter((each) => each !== 'Snapshots'))
      await expect(as(kind, table, '').archive.put(key, new Uint8Array(), 'absent')).rejects.toThrow(Denied)
    await expect(as('Snapshots', table, '').archive.put('binance/A/2024-01-01/book/1.q', new Uint8Array(), 'absent')).rejects.toThrow(
      Denied,
    )
    // What is there, later runs take on trust.
    const { archive: beside } = as('Snapshots', table, '')
    expect(await beside.put(key, new Uint8Array(), 'absent')).not.toBeNull()
    await expect(beside.put(key, new Uint8Array())).rejects.toThrow(Denied)
    // In another place of the bucket, too (--snapshots-to).
    expect(await beside.put(`points/v1/${key}`, new Uint8Array(), 'absent')).not.toBeNull()
  })

  it.each(['', 'recorded/tardis/'])('are enough to import into an archive at "%s", and tasks put no log into its place', async (prefix) => {
    const folder = path.join(root, `vendor-${prefix.length}`)
    fs.mkdirSync(folder)
    const file = path.join(folder, 'binance_trades_2024-03-01_BTCUSDT.csv')
    const rows = ['1709251200000000,1709251200000100,1,buy,60000.5,0.1', '1709337601000000,1709337601000100,2,sell,60000.6,0.2']
    fs.writeFileSync(
      file,
      `exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n${rows.map((row) => `binance,BTCUSDT,${row}\n`).join('')}`,
    )
    const store = new FileStore(path.join(root, `imported-${prefix.length}`))
    const id = newRunId(1_723_161_255_000 + 1000 * runs++, () => 0.5)
    const plan = await planImport(await findSources([file]), { importer: null, settings: { words: {} }, isStrict: true })
    const how = howOf(IMPORT_DEFAULTS)
    const as = (kind: Kind) => new RoleStore(store, rightsOf(kind), ARCHIVE, prefix)
    const planned = await planImportRun({
      archive: as('Submitter'),
      plan,
      how,
      replaces: false,
      own: null,
      engine: 'engine',
      run: id,
      createdMs: 1,
    })
    await claimArchive(as('Submitter'), { run: id, digest: planned.head.imports!.digest })
    await writePlan(as('Submitter'), planned, planned.bundle)
    for (const { task } of await readTasks(store, id)) {
      const options = { table: as('Import'), archive: as('Import'), run: id, task, attempt: 'a1', clock: Date.now }
      expect((await runTask(options, workImport)).failed).toEqual([])
    }
    await expect(as('Import').put('v1/binance-spot/btcusdt/2024-03-01/trades/meta.json', new Uint8Array(), 'absent')).rejects.toThrow(
      Denied,
    )
    const result = await commitRun(as('ArchiveCommit'), id, { clock: Date.now, random: Math.random })
    await writeOutcome(as('ArchiveCommit'), outcomeOf(result, { attempt: 'a1', endedMs: 1 }))
    expect(result).toMatchObject({ state: 'committed', partitions: { done: 1, missing: 0 }, added: { parts: 2, rows: 2 } })
    const left: string[] = []
    for await (const { key } of store.list('_imports/')) left.push(key)
    expect(left).toEqual([expect.stringMatching(/^_imports\/[0-9a-f]{24}\.json$/)])
  })

  it('let a submitter write no row, no log and no version, and replace nothing', async () => {
    const table = new FileStore(path.join(root, 'submitter'))
    const submitter = as('Submitter', table, 't/')
    for (const key of [
      '_delta_log/00000000000000000000.json',
      'venue=a/symbol=b/part-1.parquet',
      '_chronicle/runs/r/receipts/000000-a.jsonl',
    ])
      await expect(submitter.table.put(key, new Uint8Array(), 'absent')).rejects.toThrow(Denied)
    await expect(submitter.archive.put('v1/a/b/2024-03-01/book/000000000.q', new Uint8Array(), 'absent')).rejects.toThrow(Denied)
    await expect(submitter.table.put('_chronicle/runs/r/bundle.js', new Uint8Array())).rejects.toThrow(Denied)
    await expect(submitter.table.delete('_chronicle/runs/r/cancel')).rejects.toThrow(Denied)
    const can = stack.managed('Submitter').filter(({ Effect }) => Effect === 'Allow')
    expect(
      can
        .flatMap(({ Action }) => Action)
        .filter((action) => !action.startsWith('s3:'))
        .sort(),
    ).toEqual([
      'batch:DescribeJobQueues',
      'batch:DescribeJobs',
      'batch:ListJobs',
      'batch:TerminateJob',
      'cloudformation:DescribeStacks',
      'ecr:DescribeImages',
      'ecr:DescribeRepositories',
      'servicequotas:GetServiceQuota',
      'states:DescribeExecution',
      'states:DescribeMapRun',
      'states:ListMapRuns',
      'states:StartExecution',
      'states:StopExecution',
    ])
  })

  it('let plan make the request of a scheduled run', async () => {
    const table = new FileStore(path.join(root, 'scheduled'))
    const bundle = await bundleJob('bars')
    const outline = outlineJob(await loadJob(bundle.code, 'bars'), {})
    const pinned = { version: 1, bundle: bundle.hash, engine: 'engine', archive: archive.uri, outline, last: '1d' } as const
    const id = await writeSchedule(as('Submitter', table, 't/').table, pinned, bundle.code)
    const planner = as('Plan', table, 't/')
    const request = await adoptSchedule(planner.table, `20240102T003000Z-${id}`)
    await writeSharedPlan(planner.table, await planRequest(request, planner), 'p1')
  })

  it('end a cancelled run', async () => {
    const table = new FileStore(path.join(root, 'cancelled'))
    const id = await run('bars', table, 't/', 1000)
    await markCancelled(as('Submitter', table, 't/').table, id)
    const committing = commitRun(as('Commit', table, 't/').table, id, { clock: Date.now, random: Math.random })
    await expect(committing).rejects.toMatchObject({ code: 'run-cancelled' })
  })

  const ID = '20240808T120000Z-7f3a09c2'
  const PART = `venue=binance/symbol=BTC/part-x-y-${ID}-a1.parquet`
  const RUN = runFiles(ID)
  const may = (kind: Kind, action: string, key: string, isNew = true): boolean =>
    ['', 'research/flow/'].some((prefix) =>
      isAllowed(rightsOf(kind), `s3:${action}`, `${TABLE}/${prefix}${key}`, {
        's3:ObjectCreationOperation': 'true',
        ...(isNew && { 's3:if-none-match': '*' }),
      }),
    )
  const who = (action: string, key: string, isNew = true): Kind[] => KINDS.filter((kind) => may(kind, action, key, isNew))

  it('let one role alone write a kind of object', () => {
    expect(who('PutObject', PART)).toEqual(['Task', 'Snapshots', 'Commit'])
    expect(who('PutObject', RUN.receipt('000001', 'a1'))).toEqual(['Task', 'Snapshots'])
    for (const key of [RUN.plan, RUN.tasks, RUN.share('00000'), RUN.plannedHead('p1')]) expect(who('PutObject', key)).toEqual(['Plan'])
    for (const key of [
      '_delta_log/00000000000000000001.json',
      '_delta_log/_last_checkpoint',
      '_chronicle/archive-index.jsonl',
      `${CHECKED_FOLDER}0.json`,
      RUN.outcome,
    ])
      expect(who('PutObject', key)).toEqual(['Commit'])
    // Whoever submits writes these; a scheduled run's are made by its plan.
    for (const key of [RUN.request, RUN.bundle]) expect(who('PutObject', key)).toEqual(['Plan', 'Submitter'])
    expect([who('PutObject', RUN.cancel), who('PutObject', 'anything.txt')]).toEqual([['Submitter'], []])
  })

  it('let no role replace what is created once', () => {
    const once = [PART, RUN.receipt('000001', 'a1'), RUN.plan, RUN.tasks, RUN.bundle, RUN.request, RUN.cancel, '_chronicle/empty/x.jsonl']
    for (const key of [...once, '_delta_log/00000000000000000001.json']) expect(who('PutObject', key, false)).toEqual([])
  })

  it('keep the job bundle from commit, and the log from tasks', () => {
    expect(who('GetObject', RUN.bundle)).toEqual(['Plan', 'Task', 'Snapshots', 'Vacuum', 'Submitter'])
    expect(may('Task', 'GetObject', '_delta_log/00000000000000000001.json')).toBe(false)
    for (const key of ['_delta_log/00000000000000000001.json', '_delta_log/venue=a/symbol=b/part-d.parquet'])
      expect([may('Task', 'PutObject', key), may('Snapshots', 'PutObject', key)]).toEqual([false, false])
  })

  it('let vacuum alone delete, and only what vacuum deletes', () => {
    expect(who('DeleteObject', PART)).toEqual(['Vacuum'])
    expect(who('DeleteObject', '_chronicle/empty/x.jsonl')).toEqual(['Vacuum'])
    for (const key of ['_delta_log/00000000000000000001.json', RUN.plan, RUN.receipt('000001', 'a1'), '_chronicle/archive-index.jsonl'])
      expect(who('DeleteObject', key)).toEqual([])
    expect([PART, RUN.plan].flatMap((key) => who('DeleteObjectVersion', key))).toEqual([])
    const statements = KINDS.filter((kind) => kind !== 'Submitter').flatMap(rightsOf)
    const actions = new Set(statements.filter(({ Effect }) => Effect === 'Allow').flatMap(({ Action }) => Action))
    expect([...actions].sort()).toEqual(['s3:AbortMultipartUpload', 's3:DeleteObject', 's3:GetObject', 's3:ListBucket', 's3:PutObject'])
  })

  it('deny tasks expressly to delete and to write the log', () => {
    for (const kind of ['Task', 'Snapshots'] as const) {
      const denied = stack.statements(`Roles${kind}`).filter(({ Effect }) => Effect === 'Deny')
      expect(denied).toContainEqual({ Effect: 'Deny', Action: ['s3:DeleteObject', 's3:DeleteObjectVersion'], Resource: '*' })
      expect(denied).toContainEqual({
        Effect: 'Deny',
        Action: 's3:PutObject',
        Resource: [`${TABLE}/_delta_log/*`, `${TABLE}/*/_delta_log/*`],
      })
    }
  })
})

describe('areas of a table bucket', () => {
  let stack: Synthesized

  beforeAll(() => {
    stack = new Synthesized({ areas: 'desk,quant' })
  }, 120_000)

  const ID = '20240808T120000Z-7f3a09c2'
  const RUN = runFiles(ID)
  const PART = `venue=binance/symbol=BTC/part-x-y-${ID}-a1.parquet`
  const OF_A_TASK = [PART, RUN.receipt('000001', 'a1')]
  const may = (statements: readonly Statement[], action: string, key: string): boolean =>
    isAllowed(statements, `s3:${action}`, `${TABLE}/${key}`, { 's3:ObjectCreationOperation': 'true', 's3:if-none-match': '*' })

  it('are for the tasks of their runs alone: no other role that runs code reads or writes there', () => {
    const roles = { desk: 'RolesAreadesk', quant: 'RolesAreaquant', '': 'RolesTask', snapshots: 'RolesSnapshots' }
    for (const [own, role] of Object.entries(roles)) {
      const statements = stack.statements(role)
      for (const folder of ['desk/', 'quant/', 'desk/deep/flow/', 'quant/flow/', 'other/', '']) {
        const isOwn = own === 'snapshots' || own === '' ? !/^(desk|quant)/.test(folder) : folder.startsWith(`${own}/`)
        for (const key of OF_A_TASK)
          expect([role, folder, key, may(statements, 'PutObject', folder + key)]).toEqual([role, folder, key, isOwn])
        for (const key of [RUN.bundle, RUN.plan, ...OF_A_TASK])
          expect([role, folder, key, may(statements, 'GetObject', folder + key)]).toEqual([role, folder, key, isOwn])
        expect(may(statements, 'PutObject', `${folder}_delta_log/00000000000000000001.json`)).toBe(false)
        for (const key of [PART, RUN.plan]) expect(may(statements, 'DeleteObject', folder + key)).toBe(false)
      }
    }
  })

  it('have a policy each for those who submit there, and nowhere else', () => {
    const desk = stack.managed('SubmitterAreadesk')
    const all = stack.managed('SubmitterPolicy')
    for (const key of [RUN.request, RUN.bundle, RUN.listing, RUN.cancel]) {
      for (const folder of ['desk/flow/', 'desk/']) expect(may(desk, 'PutObject', folder + key)).toBe(true)
      for (const folder of ['quant/flow/', 'other/', ''])
        expect([may(desk, 'PutObject', folder + key), may(all, 'PutObject', folder + key)]).toEqual([false, true])
    }
    expect([may(desk, 'GetObject', `quant/${RUN.bundle}`), may(desk, 'GetObject', `desk/${RUN.bundle}`)]).toEqual([false, true])
    expect(may(desk, 'PutObject', `desk/${PART}`)).toBe(false)
    expect(isAllowed(desk, 's3:PutObject', `${ARCHIVE}/_imports/active.json`, { 's3:if-none-match': '*' })).toBe(false)
    expect(Object.keys(stack.outputs)).toEqual(expect.arrayContaining(['Areas', 'SubmitterPolicyArnOfdesk', 'SubmitterPolicyArnOfquant']))
  })

  it('are what the job definitions of their tasks are started with', () => {
    for (const area of ['desk', 'quant']) {
      const { Properties } = stack.one('AWS::Batch::JobDefinition', `ComputeArea${area}`)
      expect(Properties.JobDefinitionName).toBe(`ChronicleReplay-area-${area}`)
      expect(JSON.stringify(Properties.ContainerProperties.JobRoleArn)).toContain(`RolesArea${area}`)
      expect(Properties.ContainerProperties.Command).toEqual(['task'])
    }
  })
})
