import fs from 'node:fs'
import path from 'node:path'
import { expect, inject, it } from 'vitest'
import { printed, typed } from './machine.ts'

it('npm start ends with a table of results, a report, and three commands that work as they are shown', () => {
  const clone = inject('clone')
  const { status, stdout, stderr } = typed('npm start', clone)
  expect(stderr).not.toContain('error')
  expect(status).toBe(0)
  // What is to be found in it: most over the five levels that pull at the price, and less in longer bars.
  const found = new Map(
    stdout.split('\n').flatMap((line) => {
      const [, every, depth, correlation] = /^(10s|1m|5m) +(\d+) +\d+ +(\S+) +\S+$/.exec(line) ?? []
      return every === undefined ? [] : [[`${every}:${depth}`, Number(correlation)] as const]
    }),
  )
  expect(found.size).toBe(9)
  expect(found.get('10s:5')).toBeGreaterThan(0.1)
  expect(found.get('10s:5')).toBeLessThan(0.17)
  expect(Math.max(...found.values())).toBe(found.get('10s:5'))
  expect(found.get('5m:5')).toBeLessThan(found.get('10s:5')! * 0.7)

  const [, report, next] = /^Open (.+) in a browser\. Then try:\n([\s\S]+)$/m.exec(stdout)!
  expect(fs.realpathSync(report!)).toBe(fs.realpathSync(path.join(clone, 'demo/report.html')))
  expect(fs.readFileSync(report!, 'utf8')).toContain('<h1>signal <span class="badge ok">complete</span></h1>')

  const shown = stdout.split('\n').filter((line) => line.startsWith('$ '))
  expect(shown).toHaveLength(4)
  const commands = next!.trim().split('\n')
  expect(commands).toHaveLength(3)
  for (const command of [...shown.map((line) => line.slice(2)), ...commands]) {
    expect(command).toMatch(/^ *npx chronicle-replay /)
    // What was shown while the demo ran made these files already.
    if (/ (generate|report) /.test(command)) continue
    // A run has its say on stderr.
    expect(printed(command, clone).length, command).toBeGreaterThanOrEqual(/ run /.test(command) ? 0 : 1)
  }
})

it('npm start needs no newer Node than 20', () => {
  const { status, stdout, stderr } = typed('npm start', inject('clone'), 20)
  expect(status, stderr).toBe(0)
  expect(stdout).toContain('Open ')
})

it('an example replays every symbol in a pool of threads', () => {
  const clone = inject('clone')
  expect(printed('node examples/multi-symbol-replay.ts demo/archive trades', clone)).toContain('800,000 messages')
  expect(fs.readdirSync(path.join(clone, 'trades')).filter((name) => name.endsWith('.parquet'))).toHaveLength(8)
  fs.rmSync(path.join(clone, 'trades'), { recursive: true })
})
