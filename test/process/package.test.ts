import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { engineHash } from '../../core/job/engine-hash.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')

const TYPESCRIPT_JOB = `
import { defineJob } from 'chronicle-replay'

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

describe('the npm package, installed in an empty project', () => {
  const project = temporaryFolder('package')
  const bin = (...args: string[]): string => run('node', ['node_modules/chronicle-replay/cli/bin.mjs', ...args])
  const run = (command: string, args: readonly string[]): string =>
    execFileSync(command, args, { cwd: project, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })

  beforeAll(() => {
    execFileSync('node', [path.join(ROOT, 'tools/package.ts')], { stdio: 'pipe' })
    const packed = execFileSync('npm', ['pack', path.join(ROOT, 'dist'), '--json', '--pack-destination', project], { encoding: 'utf8' })
    const [{ filename }] = JSON.parse(packed) as [{ filename: string }]
    const manifest = { name: 'empty', version: '1.0.0', type: 'module', private: true, allowScripts: { node: true } }
    fs.writeFileSync(path.join(project, 'package.json'), JSON.stringify(manifest))
    run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', `./${filename}`])
    bin('generate', 'archive', '--symbols', '2', '--messages', '4000', '--seed', '1')
  })

  it('runs a job in TypeScript, whose types hold', () => {
    fs.writeFileSync(path.join(project, 'flow.ts'), TYPESCRIPT_JOB)
    const result = JSON.parse(bin('run', 'flow.ts', '--archive', 'archive', '--table', 'flow', '--json'))
    expect(result.partitions).toMatchObject({ run: 4, failed: 0 })
    expect(result.rows).toBeGreaterThan(0)
    const tsc = path.join(ROOT, 'node_modules/.bin/tsc')
    const types = path.join(ROOT, 'node_modules/@types')
    run(tsc, ['--noEmit', '--strict', '--module', 'nodenext', '--target', 'esnext', '--typeRoots', types, '--types', 'node', 'flow.ts'])
  })

  it('runs the same job in plain JavaScript to the same rows', () => {
    fs.writeFileSync(path.join(project, 'flow.js'), TYPESCRIPT_JOB)
    bin('run', 'flow.js', '--archive', 'archive', '--table', 'flow-js', '--json')
    const [typed, plain] = ['flow', 'flow-js'].map((table) => JSON.parse(bin('checksum', table, '--json')))
    expect(plain).toMatchObject({ rows: typed.rows, sum: typed.sum })
  })

  it('reports on a run, whose charts are bundled there', () => {
    bin('run', 'bars', '--archive', 'archive', '--table', 'bars', '--quiet')
    const { out, reconciles } = JSON.parse(bin('report', 'bars', '--json'))
    expect(reconciles).toBe(true)
    expect(fs.readFileSync(out, 'utf8')).toContain('<h1>bars ')
  })

  it('is a library for plain JavaScript', () => {
    const code = `
      import { ReplayReader } from 'chronicle-replay'
      const reader = await ReplayReader.open('archive/v1/' + process.argv[2])
      let messages = 0
      for (let batch = await reader.nextBatch(); batch !== null; batch = await reader.nextBatch()) messages += batch.length
      await reader.close()
      console.log(messages)`
    fs.writeFileSync(path.join(project, 'count.js'), code)
    const [log] = fs.globSync('*/*/*/book', { cwd: path.join(project, 'archive/v1') })
    const counted = Number(run('node', ['count.js', log!]))
    expect(counted).toBe(JSON.parse(bin('inspect', `archive/v1/${log}`, '--json')).messages)
  })

  it('is the same engine as the sources it was made of', async () => {
    const code = `import { engineHash } from './node_modules/chronicle-replay/core/job/engine-hash.js'; console.log(await engineHash())`
    expect(run('node', ['--input-type=module', '-e', code]).trim()).toBe(await engineHash())
  })
})
