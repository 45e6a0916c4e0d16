import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { MadeRun, madeRunId } from '../../bench/made/made-run.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { readHistory } from '../../core/table/delta-history.ts'
import { LAST_CHECKPOINT, readTable } from '../../core/table/delta-log.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { bundledChild } from './child.ts'

const CELLS = 6
const startCommits = await bundledChild('commit-runs')

/** Runs over the same cells, of which a different one in turn comes out without rows. */
async function makeRuns(store: FileStore, count: number): Promise<void> {
  const partitions = Array.from({ length: CELLS }, (_, cell) => ({ symbol: 'btcusdt', cell, variants: ['a'] }))
  for (let n = 0; n < count; n++) {
    const run = await MadeRun.create(store, { run: madeRunId(n), partitions, bundle: `code${n}` })
    await run.finish(new Map(partitions.map(({ cell }) => [cell, cell === n % CELLS ? 0 : 5])))
  }
}

async function runsInOrder(store: FileStore): Promise<string[]> {
  const { version } = await readTable(store)
  const history = await Array.fromAsync(readHistory(store, version), ({ info }) => info.run ?? '?')
  return history.reverse()
}

/** The live parts are exactly those of the run that was committed last, from the checkpoint and without it. */
async function expectRowsOf(store: FileStore, run: string): Promise<void> {
  const state = await readTable(store)
  const paths = [...state.parts.keys()]
  expect(paths).toHaveLength(CELLS - 1)
  expect(paths.filter((path) => !path.includes(run))).toEqual([])
  await store.delete(LAST_CHECKPOINT)
  expect([...(await readTable(store)).parts.keys()].sort()).toEqual(paths.sort())
}

test('processes that commit at once: every run one version, the rows of the last', async () => {
  const store = new FileStore(temporaryFolder('commit-race'))
  const [processes, each] = [4, 8]
  await makeRuns(store, processes * each)

  const children = Array.from({ length: processes }, (_, i) => startCommits(store.uri, i * each, (i + 1) * each))

  expect(await Promise.all(children.map(({ ended }) => ended))).toEqual(Array(processes).fill(0))
  const order = await runsInOrder(store)
  expect([...order].sort()).toEqual(Array.from({ length: processes * each }, (_, n) => madeRunId(n)))
  await expectRowsOf(store, order.at(-1)!)
})

test('processes that commit the same run at once: one version', async () => {
  const store = new FileStore(temporaryFolder('commit-same'))
  await makeRuns(store, 3)
  const children = Array.from({ length: 4 }, () => startCommits(store.uri, 0, 3))
  expect(await Promise.all(children.map(({ ended }) => ended))).toEqual([0, 0, 0, 0])
  expect(await runsInOrder(store)).toEqual([0, 1, 2].map(madeRunId))
})

test('killed at random moments of commits, 100 rounds: every run one version, no stray rows', async () => {
  const rounds = 100
  const store = new FileStore(temporaryFolder('commit-kill'))
  await makeRuns(store, rounds)
  let done = 0
  let kills = 0
  for (let round = 0; round < rounds; round++) {
    // From the first run again: repeating those before changes nothing.
    const child = startCommits(store.uri, Math.max(0, done - 2), rounds)
    await Promise.race([child.printed((line) => line !== ''), child.ended])
    await sleep(Math.random() * 8)
    child.process.kill('SIGKILL')
    if ((await child.ended) === 'SIGKILL') kills++
    done = Number(child.lastLine().split(' ')[0]) + 1
    if (round % 10 === 0) expect((await readTable(store)).parts.size).toBe(CELLS - 1)
    if (done === rounds) break
  }
  await startCommits(store.uri, 0, rounds).ended
  expect(kills).toBeGreaterThan(5)
  expect(await runsInOrder(store)).toEqual(Array.from({ length: rounds }, (_, n) => madeRunId(n)))
  await expectRowsOf(store, madeRunId(rounds - 1))
})
