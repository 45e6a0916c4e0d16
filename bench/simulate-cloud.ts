/**
 * `node bench/simulate-cloud.ts`: what a run of 8,000 symbols × 252 days, 50 TB, comes to on AWS, by size of tasks and containers, from
 * the best to the worst of several seeds and speeds; and what holds up one on 10,000 vCPUs. `--measure` says what a task does here.
 */
import { parseArgs } from 'node:util'
import { tableText } from '../cli/output.ts'
import { assumptionsOf, type Between, type CloudWorld, WORLD } from './simulation/cloud-world.ts'
import { measureTaskSpeed, VCPU_SHARE } from './simulation/measured-speed.ts'
import { adviceOf, playGoal, playSizes, type SizeResult } from './simulation/scenarios.ts'
import { YEAR } from './simulation/simulated-work.ts'

const GOAL = { vcpus: 10_000, minutes: 15, dollars: 100 }

const { values } = parseArgs({
  options: {
    'mb-per-s': { type: 'string', default: '30,60,120' },
    seeds: { type: 'string', default: '1,2,3' },
    quota: { type: 'string', default: String(WORLD.quotaVcpus) },
    symbols: { type: 'string', default: String(YEAR.symbols) },
    days: { type: 'string', default: String(YEAR.days) },
    terabytes: { type: 'string', default: String(YEAR.bytes / 1e12) },
    'archive-key-parts': { type: 'string', default: String(WORLD.archiveKeyParts) },
    'partition-puts': { type: 'string', default: String(WORLD.partitionPuts) },
    'commit-s': { type: 'string' },
    measure: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
})

const numbersOf = (text: string): number[] => text.split(',').map(Number)
const work = { ...YEAR, symbols: Number(values.symbols), days: Number(values.days), bytes: Number(values.terabytes) * 1e12 }
const millions = (work.symbols * work.days) / 1e6
const commitS = values['commit-s'] === undefined ? WORLD.serial.commitS : Number(values['commit-s']) / millions
const world: CloudWorld = {
  ...WORLD,
  quotaVcpus: Number(values.quota),
  archiveKeyParts: Number(values['archive-key-parts']),
  partitionPuts: Number(values['partition-puts']),
  serial: { ...WORLD.serial, commitS },
}
const scenarios = { seeds: numbersOf(values.seeds), speeds: numbersOf(values['mb-per-s']).map((speed) => speed * 1e6) }
const measured = values.measure ? await measureTaskSpeed() : null

const results = playSizes(work, world, scenarios)
const { advised, asGood } = adviceOf(results)
const large = { ...world, quotaVcpus: GOAL.vcpus }
const { advised: ofGoal } = adviceOf(playSizes(work, large, scenarios))
const goal = playGoal(work, large, scenarios, ofGoal)

if (values.json)
  console.log(JSON.stringify({ work, world, scenarios, assumptions: assumptionsOf(world), measured, results, advised, goal }))
else {
  console.log(
    `${work.symbols} symbols x ${work.days} days, ${work.bytes / 1e12} TB, ${world.quotaVcpus} vCPUs at once; seeds ${values.seeds}, a vCPU replays ${values['mb-per-s']} MB/s\n`,
  )
  console.log(
    tableText(
      ['task GiB', 'vCPUs', 'tasks', 'minutes', 'of it serial', 'dollars', 'utilisation %', 'reads held %', 'writes held %', 'worst'],
      results.map(cellsOf),
    ),
  )
  console.log(`worst: times the time or the dollars of the best size, in the worst scenario
advice: tasks of ${advised.taskGiB} GiB in containers of ${advised.taskVcpus} vCPUs: ${rangeText(advised.minutes)} minutes, $${rangeText(advised.dollars)}; never more than ${advised.worst.toFixed(2)} times the best size's time or dollars
as good within a tenth: ${asGood.map(sizeText).join(', ') || 'none'}\n`)
  console.log(`${GOAL.minutes} minutes and $${GOAL.dollars} with ${GOAL.vcpus} vCPUs (tasks of ${sizeText(ofGoal)}): ${verdict()}\n`)
  console.log(
    tableText(
      ['run', 'minutes', 'dollars'],
      goal.map(({ what, minutes, dollars }) => [what, rangeText(minutes), rangeText(dollars)]),
    ),
  )
  console.log('if')
  if (measured !== null) {
    const share = (speed: Between): string => rangeText([(speed[0] * VCPU_SHARE) / 1e6, (speed[1] * VCPU_SHARE) / 1e6])
    console.log(
      `  - here a vCPU replays ${share(measured.throughTls)} MB/s from S3 through TLS, ${share(measured.fromDisk)} from page cache (measured by CPU time; half a core does ${VCPU_SHARE} of a whole one's work)`,
    )
  }
  for (const assumption of assumptionsOf(world)) console.log(`  - ${assumption}`)
}

function verdict(): string {
  const [asItIs, ...lifted] = goal as [(typeof goal)[0], ...typeof goal]
  const isReached = asItIs.minutes[1] <= GOAL.minutes && asItIs.dollars[1] <= GOAL.dollars
  if (isReached) return 'reached in all scenarios'
  // The last two lift all of them, or none.
  const binds = lifted.slice(0, -2).toSorted((a, b) => a.minutes[1] - b.minutes[1])[0]!
  const some =
    asItIs.minutes[0] <= GOAL.minutes && asItIs.dollars[0] <= GOAL.dollars ? 'in some scenarios only' : 'in none of the scenarios'
  return `reached ${some}; most is to be had ${binds.what}`
}

function cellsOf(row: SizeResult): (string | number)[] {
  const percent = ([least, most]: Between): string => rangeText([100 * least, 100 * most])
  return [
    ...[row.taskGiB, row.taskVcpus, rangeText(row.tasks), rangeText(row.minutes), rangeText(row.serialMinutes), rangeText(row.dollars)],
    ...[percent(row.utilisation), percent(row.getsHeld), percent(row.putsHeld), row.worst.toFixed(2)],
  ]
}

function sizeText({ taskGiB, taskVcpus }: Pick<SizeResult, 'taskGiB' | 'taskVcpus'>): string {
  return `${taskGiB} GiB in ${taskVcpus} vCPUs`
}

function rangeText([least, most]: Between): string {
  const [from, to] = [least, most].map((value) => String(value < 10 ? Math.round(value * 10) / 10 : Math.round(value)))
  return from === to ? from! : `${from}–${to}`
}
