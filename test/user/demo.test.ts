import fs from 'node:fs'
import path from 'node:path'
import { expect, inject, it } from 'vitest'
import { printed, typed } from './machine.ts'

it('npm start ends with a table of results, a report, and three commands that work as they are shown', () => {
  const clone = inject('clone')
  const { status, stdout, stderr } = typed('npm start', clone)
  expect(stderr).not.toContain('error')
  expect(status).toBe(0)
  const table = stdout.split('\n').filter((line) => /^(10s|1m) +\d+ +\d+/.test(line))
  expect(table).toHaveLength(6)

  const [, report, next] = /^Open (.+) in a browser\. Then try:\n([\s\S]+)$/m.exec(stdout)!
  expect(fs.realpathSync(report!)).toBe(fs.realpathSync(path.join(clone, 'demo/report.html')))
  expect(fs.readFileSync(report!, 'utf8')).toContain('<h1>flow <span class="badge ok">complete</span></h1>')

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
