import fs from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import { type NodeMajor, printed, ROOT, typed } from './machine.ts'

const JOB = `import { defineJob } from 'chronicle-replay'

export default defineJob({
  name: 'flow',
  streams: ['book', 'trades'],
  params: { every: '1s', depth: 5 },
  trigger: (p) => ({ every: p.every }),
  columns: { imbalance: 'f64', flow: 'f64' },
  create({ depth }, { book }) {
    let flow = 0
    return {
      reset() { flow = 0 },
      trade(t) { flow += t.isBuyerMaker ? -t.quantity : t.quantity },
      row(out) { out.imbalance = book.imbalance(depth); out.flow = flow; flow = 0 },
    }
  },
})
`

/** JavaScript, and TypeScript without leniency. */
const COUNT = `import { ReplayReader } from 'chronicle-replay'
let messages = 0
for (const log of process.argv.slice(2)) {
  const reader = await ReplayReader.open(log)
  for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) messages += batch.length
  await reader.close()
}
console.log(messages)
`

/** Messages in all logs of the archive that `expectWorks` makes. */
const MESSAGES = 2000

/** Packages that a project in TypeScript has of its own, at the versions of the project's lock. */
export function addTypeScript(project: string, node: NodeMajor): void {
  const { devDependencies } = JSON.parse(fs.readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
    devDependencies: Record<string, string>
  }
  const wanted = ['typescript', '@types/node'].map((name) => `${name}@${devDependencies[name]}`)
  printed(`npm install --prefer-offline --save-dev ${wanted.join(' ')}`, project, node)
}

/** Command, library and types, as a user meets them: a job and a script in TypeScript, both checked without leniency. */
export function expectWorks(project: string, node: NodeMajor): void {
  fs.rmSync(path.join(project, 'archive'), { recursive: true, force: true })
  fs.rmSync(path.join(project, 'flow'), { recursive: true, force: true })
  fs.writeFileSync(path.join(project, 'flow.ts'), JOB)
  fs.writeFileSync(path.join(project, 'count.mts'), COUNT)
  const strict =
    '--noEmit --strict --skipLibCheck false --exactOptionalPropertyTypes --noUncheckedIndexedAccess --module nodenext --target esnext --types node'
  expect(typed(`npx tsc ${strict} flow.ts count.mts`, project, node)).toMatchObject({ stdout: '', status: 0 })

  printed(`npx chronicle-replay generate archive --symbols 1 --messages ${MESSAGES} --seed 1 --days 1`, project, node)
  const run = JSON.parse(printed('npx chronicle-replay run flow.ts --archive archive --table flow --json', project, node))
  expect(run.partitions).toMatchObject({ run: 1, failed: 0 })
  expect(run.rows).toBeGreaterThan(0)
  // A report's charts are bundled where the package is.
  printed('npx chronicle-replay report flow --out report.html', project, node)
  expect(fs.readFileSync(path.join(project, 'report.html'), 'utf8')).toContain('<h1>flow ')
  expectLibrary(project, node)
}

/** The library counts the messages; or says what it needs, where Node is older than its manifest allows. */
export function expectLibrary(project: string, node: NodeMajor): void {
  const logs = fs.globSync('archive/v1/*/*/*/*/', { cwd: project })
  fs.writeFileSync(path.join(project, 'count.mjs'), COUNT)
  const script = typed(`node count.mjs ${logs.join(' ')}`, project, node)
  if (node >= 24) {
    expect([script.status, script.stdout, script.stderr]).toEqual([0, `${MESSAGES}\n`, ''])
  } else {
    expect([script.status, script.stdout]).toEqual([1, ''])
    expect(script.stderr).toMatch(`ReplayError: the library needs Node 24 or newer, this is ${node}.`)
  }
}
