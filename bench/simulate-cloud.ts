/**
 * `node bench/simulate-cloud.ts [--bytes-per-s N --quota N --symbols N --days N --terabytes N --seed N --json]`: what a run of
 * 8,000 symbols × 252 days, 50 TB, comes to on AWS, by size of tasks and containers. Without `--bytes-per-s` the speed of a task
 * is measured here first.
 */
import { parseArgs } from 'node:util'
import { tableText } from '../cli/output.ts'
import { assumptionsOf, type CloudWorld, WORLD } from './simulation/cloud-world.ts'
import { measureTaskSpeed, VCPU_SHARE } from './simulation/measured-speed.ts'
import { type SimulatedRun, simulateRun } from './simulation/simulate-run.ts'
import { tasksOf, YEAR } from './simulation/simulated-work.ts'

const { values } = parseArgs({
  options: {
    'bytes-per-s': { type: 'string' },
    quota: { type: 'string', default: String(WORLD.quotaVcpus) },
    symbols: { type: 'string', default: String(YEAR.symbols) },
    days: { type: 'string', default: String(YEAR.days) },
    terabytes: { type: 'string', default: String(YEAR.bytes / 1e12) },
    seed: { type: 'string', default: '1' },
    json: { type: 'boolean', default: false },
  },
})

const TASK_GIB = [4, 16, 32, 64]
const TASK_VCPUS = [1, 2, 4, 8, 16]

const seed = Number(values.seed)
const given = values['bytes-per-s']
const measured = given === undefined ? await measureTaskSpeed() : null
const bytesPerVcpuS = measured === null ? Number(given) : measured * VCPU_SHARE
const world: CloudWorld = { ...WORLD, bytesPerVcpuS, quotaVcpus: Number(values.quota) }
const work = { ...YEAR, symbols: Number(values.symbols), days: Number(values.days), bytes: Number(values.terabytes) * 1e12 }

interface Row {
  readonly taskGiB: number
  readonly taskVcpus: number
  readonly tasks: number
  readonly run: SimulatedRun
}

const rows: Row[] = TASK_GIB.flatMap((taskGiB) => {
  const tasks = tasksOf(work, taskGiB * 2 ** 30, seed)
  return TASK_VCPUS.map((taskVcpus) => ({ taskGiB, taskVcpus, tasks: tasks.length, run: simulateRun(tasks, taskVcpus, world, seed) }))
})
// Money first, and of what costs about the same the fastest.
const cheapest = Math.min(...rows.map(({ run }) => run.dollars))
const best = rows.filter(({ run }) => run.dollars <= 1.1 * cheapest).reduce((a, b) => (b.run.makespanS < a.run.makespanS ? b : a))

if (values.json) {
  const shown = rows.map(({ run: { launchesS: _, ...run }, ...row }) => ({ ...row, ...run }))
  console.log(
    JSON.stringify({
      work,
      world,
      assumptions: assumptionsOf(world),
      rows: shown,
      best: { taskGiB: best.taskGiB, taskVcpus: best.taskVcpus },
    }),
  )
} else {
  console.log(`${work.symbols} symbols x ${work.days} days, ${work.bytes / 1e12} TB, seed ${seed}\n`)
  console.log(
    tableText(
      [
        'task GiB',
        'vCPUs',
        'tasks',
        'hours',
        'of it plan + commit',
        'utilisation %',
        'vCPU-hours',
        'dollars',
        'interrupted',
        'max vCPUs',
        'held up by S3 %',
      ],
      rows.map(cellsOf),
    ),
  )
  console.log('if')
  if (measured !== null)
    console.log(`  - a thread replays ${(measured / 1e6).toFixed(0)} MB/s here (measured), a vCPU ${VCPU_SHARE} of it, being half a core`)
  for (const assumption of assumptionsOf(world)) console.log(`  - ${assumption}`)
  console.log(
    `\nadvice: tasks of ${best.taskGiB} GiB in containers of ${best.taskVcpus} vCPUs: ${(best.run.makespanS / 3600).toFixed(1)} hours, $${best.run.dollars.toFixed(0)}, the fastest of those within 10 % of the cheapest`,
  )
}

function cellsOf({ taskGiB, taskVcpus, tasks, run }: Row): (string | number)[] {
  const share = (value: number): number => Math.round(1000 * value) / 10
  const hours = (seconds: number): number => Math.round(seconds / 36) / 100
  return [
    ...[taskGiB, taskVcpus, tasks, hours(run.makespanS), hours(run.planS + run.commitS), share(run.utilisation), Math.round(run.vcpuHours)],
    ...[Math.round(run.dollars), run.interruptions, run.maxVcpus, share(run.throttledShare)],
  ]
}
