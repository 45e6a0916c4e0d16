import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { temporaryFolder } from '../support/temporary-folder.ts'

const ROOT = path.resolve(import.meta.dirname, '../..')

describe('npm start', () => {
  const cwd = temporaryFolder('demo')
  const run = (...argv: string[]) => spawnSync(process.execPath, argv, { cwd, encoding: 'utf8' })

  it('ends with a table of results, a report, and three commands that work', () => {
    const { status, stdout, stderr } = run(path.join(ROOT, 'examples/demo.ts'))
    expect(stderr).not.toContain('error')
    expect(status).toBe(0)
    const table = stdout.split('\n').filter((line) => /^(10s|1m) +\d+ +\d+/.test(line))
    expect(table).toHaveLength(6)

    const [, report, next] = /^Open (.+) in a browser\. Then try:\n([\s\S]+)$/m.exec(stdout)!
    expect(fs.realpathSync(report!)).toBe(fs.realpathSync(path.join(cwd, 'demo/report.html')))
    expect(fs.readFileSync(report!, 'utf8')).toContain('<h1>flow <span class="badge ok">complete</span></h1>')

    const commands = next!.trim().split('\n')
    expect(commands).toHaveLength(3)
    for (const command of commands) {
      // As a shell takes them: the only quotes are around SQL.
      const words = (command.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replaceAll('"', ''))
      expect(words.slice(0, 2)).toEqual(['npx', 'chronicle-replay'])
      const tried = run(path.join(ROOT, 'cli/bin.mjs'), ...words.slice(2))
      expect(`${tried.status} ${command} ${tried.status === 0 ? '' : tried.stderr}`).toBe(`0 ${command} `)
    }
  })

  it('replays every symbol in a pool of threads', () => {
    const { status, stdout } = run(path.join(ROOT, 'examples/multi-symbol-replay.ts'), 'demo/archive', 'trades')
    expect(status).toBe(0)
    expect(stdout).toContain('800,000 messages')
    expect(fs.readdirSync(path.join(cwd, 'trades')).filter((name) => name.endsWith('.parquet'))).toHaveLength(8)
  })
})
