import { spawn, spawnSync } from 'node:child_process'
import path from 'node:path'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const folder = temporaryFolder('query-shell')
const BIN = path.resolve(import.meta.dirname, '../../cli/bin.mjs')
const table = path.join(folder, 'table')

beforeAll(async () => {
  const archive = path.join(folder, 'archive')
  await runCli('generate', archive, '--symbols', '2', '--messages', '20000', '--seed', '3')
  expect((await runCli('run', 'bars', '--archive', archive, '--table', table)).code).toBe(0)
})

/** A shell at a terminal of its own. */
function openTerminal() {
  const command = [process.execPath, BIN, 'query', table].map((word) => `'${word}'`).join(' ')
  const child = spawn('script', ['-qefc', command, '/dev/null'], { stdio: ['pipe', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  let text = ''
  let heard = (): void => {}
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more
    heard()
  })
  return {
    ended: new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code))),
    press: (keys: string) => void child.stdin.write(keys),
    /** Types keys, and gives what the terminal shows from then until something appears and the next prompt is there. */
    async type(keys: string, until: string | RegExp, prompt = 't> '): Promise<string> {
      text = ''
      child.stdin.write(keys)
      return new Promise((resolve) => {
        heard = () => {
          const at = typeof until === 'string' ? text.indexOf(until) : text.search(until)
          if (at >= 0 && text.indexOf(prompt, at) >= 0) resolve(text)
        }
        heard()
      })
    },
  }
}

describe('the shell at a terminal', () => {
  it('takes statements of several lines, several of a line, and words of its own', async () => {
    const terminal = openTerminal()
    await terminal.type('', '.help tells the rest')
    await terminal.type('select symbol,\n', 'symbol,', '…> ')
    await terminal.type("count(*) as n, ';' as mark\n", 'mark', '…> ')
    expect(await terminal.type('from t group by all order by all;\n', '2 rows')).toMatch(/btcusdt +\d+ +;\r\nethusdt +\d+ +;\r\n2 rows/)
    expect(await terminal.type('select 11 as a; select 22 as b;\n', /22\r\n1 row/)).toMatch(
      /a\r\n──\r\n11\r\n1 row\r\n b\r\n──\r\n22\r\n1 row/,
    )
    expect(await terminal.type('.tables\n', /\nt +\d/)).toMatch(/name +columns/)
    expect(await terminal.type('.schema\n', 'bar_end')).toMatch(/open +DOUBLE/)
    expect(await terminal.type('.help\n', '.exit')).toContain('Ctrl-C cancels')
    expect(await terminal.type('.tabels\n', 'error')).toContain('did you mean .tables?')
    await terminal.type('create table mine as select 1 as one;\n', 'done')
    expect(await terminal.type('.schema mine\n', 'INTEGER')).toMatch(/one +INTEGER/)
    await terminal.type('select bar_st\t', 'bar_start', '')
    await terminal.type('\u0003', '^C')
    terminal.press('exit\n')
    expect(await terminal.ended).toBe(0)
  })

  it('shows long results in pages', async () => {
    const terminal = openTerminal()
    await terminal.type('', '.help tells the rest')
    expect(await terminal.type('select range as i from range(250);\n', '.more')).toMatch(
      /\r\n99\r\nthe first 100 rows; .more shows the next/,
    )
    await terminal.type('.rows 120\n', '.rows')
    expect(await terminal.type('.more\n', 'the first 220 rows')).toMatch(/\r\n100\r\n[\s\S]*219\r\n/)
    expect(await terminal.type('.more\n', '250 rows')).toMatch(/249\r\n250 rows/)
    expect(await terminal.type('.more\n', 'nothing more')).toContain('there is nothing more to show')
    await terminal.type('.rows all\n', '.rows')
    expect(await terminal.type('select range as i from range(250);\n', '250 rows')).toContain('249')
    terminal.press('\u0004')
    expect(await terminal.ended).toBe(0)
  })

  it('cancels at Ctrl-C what runs, or what is being typed, and goes on', async () => {
    const terminal = openTerminal()
    await terminal.type('', '.help tells the rest')
    setTimeout(() => terminal.press('\u0003'), 1000)
    await terminal.type('select count(*) from range(100000000000) a, range(1000) b;\n', 'cancelled')
    await terminal.type('select 1,\n', '1,', '…> ')
    await terminal.type('2\u0003', '^C')
    expect(await terminal.type('select 33 as a;\n', '1 row')).toContain('33')
    await terminal.type('\u0003', 'to leave')
    terminal.press('quit;\n')
    expect(await terminal.ended).toBe(0)
  })
})

describe('the shell on a pipe', () => {
  const pipe = (input: string, ...more: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [BIN, 'query', table, ...more], { input, encoding: 'utf8' })
    return { status, stdout, stderr }
  }

  it('has results on stdout alone, without pages', () => {
    expect(pipe('select range as i\nfrom range(150); select 7 as a', '--format', 'csv')).toEqual({
      status: 0,
      stdout: `i\n${Array.from({ length: 150 }, (_, i) => `${i}\n`).join('')}a\n7\n`,
      stderr: '',
    })
  })

  it('goes on after an error, and ends with its exit code', () => {
    const { status, stdout, stderr } = pipe('selct 1;\nselect 2 as a;\n')
    expect([status, stdout]).toEqual([2, 'a\n─\n2\n1 row\n'])
    expect(stderr).toContain('error query-failed')
  })
})

describe('query with several statements', () => {
  it('carries them out in order', async () => {
    const sql = "create macro twice(x) as 2 * x; select twice(4) as a; select ';' as b"
    expect((await runCli('query', table, sql)).out).toBe('a\n─\n8\n1 row\nb\n─\n;\n1 row\n')
    expect((await runCli('query', table, sql, '--json')).out).toBe('[\n{"b":";"}\n]\n')
    expect(await runCli('query', table, ' ;; -- nothing')).toMatchObject({ code: 2, err: expect.stringContaining('expected a statement') })
  })
})
