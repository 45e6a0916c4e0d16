import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder('bench')

describe('simulate-cloud', () => {
  it('says what a run on AWS comes to, with its assumptions and advice', () => {
    const script = path.resolve(import.meta.dirname, '../../bench/simulate-cloud.ts')
    const argv = ['--mb-per-s', '30,90', '--symbols', '50', '--days', '20', '--terabytes', '1', '--json']
    const { stdout, stderr, status } = spawnSync(process.execPath, [script, ...argv], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
    const { results, advised, goal, assumptions } = JSON.parse(stdout)
    expect(results.length).toBeGreaterThan(10)
    for (const { minutes, dollars } of results) expect([minutes[0] < minutes[1], dollars[0] > 0]).toEqual([true, true])
    expect(assumptions.length).toBeGreaterThan(5)
    expect(results).toContainEqual(advised)
    expect(goal.length).toBeGreaterThan(5)
  })
})

describe('npm run bench', () => {
  // Two cores that other tests keep busy take minutes for all cases together.
  const bench = (...words: string[]): string => {
    const run = path.resolve(import.meta.dirname, '../../bench/run.ts')
    const size = ['--messages', '5000', '--runs', '1', '--folder', folder]
    const { stdout, stderr, status } = spawnSync(process.execPath, [run, ...size, ...words], { encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
    return stdout
  }

  it('runs every case at a small size', { timeout: 900_000 }, () => {
    const stdout = bench('--fresh', '--json')
    const { rows } = JSON.parse(stdout) as { rows: { name: string; unit: string; perSecond: number; hash: string }[] }
    const idle = '811c9dc5' // the hash of nothing
    for (const { name, perSecond, hash } of rows) {
      expect(perSecond, name).toBeGreaterThan(0)
      if (['scan', 'filter', 'filter-csv', 'parquet-tickers', 'l2-book', 'l3-book'].includes(name)) expect(hash, name).not.toBe(idle)
    }
    expect(rows.find(({ name }) => name === 'scan')!.hash).toBe(rows.find(({ name }) => name === 'scan-crc')!.hash)
  })

  it('runs a case again in a process where others ran: it does the same work', { timeout: 300_000 }, () => {
    const { rows } = JSON.parse(bench('--cases', 'filter-csv,l2-book,l3-book,features-parquet,sweep-32', '--json'))
    expect(rows.length).toBe(6)
    for (const { perSecondAfterOthers } of rows.slice(1)) expect(perSecondAfterOthers).toBeGreaterThan(0)
  })

  it('runs a case in turn with a peer: another case, or a command line that tells its figure or does not', { timeout: 120_000 }, () => {
    const against = (peer: string): { ratio: number; least: number; greatest: number; peerPerSecond: number } =>
      JSON.parse(bench('--cases', 'scan', '--against', peer, '--runs', '2', '--json')).rows[0]
    const { ratio, least, greatest } = against('bare-scan')
    expect(ratio).toBeGreaterThanOrEqual(least)
    expect(ratio).toBeLessThanOrEqual(greatest)
    expect(against('echo "{case} of {messages}"; echo \'{"count": 3000, "ms": 500}\'').peerPerSecond).toBe(6000)
    expect(against('echo done').peerPerSecond).toBeGreaterThan(0)
  })

  it('puts the table of the README between its comments, and leaves the rest as it is', { timeout: 120_000 }, () => {
    const file = path.join(folder, 'README.md')
    const readme = fs.readFileSync(path.resolve(import.meta.dirname, '../../README.md'), 'utf8')
    fs.writeFileSync(file, readme)
    bench('--cases', 'scan-crc,bare-scan', '--into', file)
    const [made, old] = [fs.readFileSync(file, 'utf8'), readme].map((text) => text.split(/<!-- figures.*? -->/))
    expect(made!.length).toBe(3)
    expect([made![0], made![2]]).toEqual([old![0], old![2]])
    expect(made![1]).toMatch(/^\nMeasured on \d{4}-\d\d-\d\d: Node \d+/)
    expect(made![1]!.split('\n').filter((line) => /^\| .*`bare-crc` .*\|$/.test(line)).length).toBe(2)
  })
})
