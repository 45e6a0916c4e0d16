import { type ChildProcess, spawn } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest'
import { helpOfAll } from '../../cli/command.ts'
import { COMMANDS } from '../../cli/main.ts'
import { emptyProject, NODES, type NodeMajor, printed, typed, userEnvironment } from './machine.ts'

const clone = inject('clone')
const home = path.dirname(clone)
const project = path.join(home, 'started')
const GLOBAL = path.join(home, 'global')
const TARBALL = '../chronicle-replay/chronicle-replay-0.1.0.tgz'

/** Ways of starting the command as they are typed, and where. */
const WAYS = {
  'npx in a clone': { command: 'npx chronicle-replay', cwd: clone },
  'a clone by its path': { command: `${clone}/cli/bin.mjs`, cwd: home },
  'npx in a project': { command: 'npx chronicle-replay', cwd: project },
  'the link in node_modules/.bin': { command: 'node_modules/.bin/chronicle-replay', cwd: project },
  'the installed file': { command: 'node node_modules/chronicle-replay/cli/bin.mjs', cwd: project },
  'a global install': { command: 'chronicle-replay', cwd: home },
} as const

const inPath = (node: NodeMajor): NodeJS.ProcessEnv => ({ PATH: `${GLOBAL}/bin:${userEnvironment(node).PATH}` })

beforeAll(() => {
  emptyProject(project, 22)
  printed(`npm install --prefer-offline ${TARBALL}`, project, 22)
  printed(`npm install --prefer-offline --global --prefix ${GLOBAL} ${TARBALL}`, project, 20)
})

describe.each(Object.entries(WAYS))('%s', (_name, { command, cwd }) => {
  it.each(NODES)('shows all of its help, takes arguments and ends with its exit code, under Node %i', (node) => {
    const run = (words: string) => typed(`${command} ${words}`, cwd, node, inPath(node))
    const help = run('--help')
    expect([help.status, help.stdout]).toEqual([0, helpOfAll(COMMANDS)])
    const wrong = run(`inspect '/no where' --json`)
    expect([wrong.status, JSON.parse(wrong.stdout)]).toMatchObject([2, { error: { code: 'log-missing', exitCode: 2 } }])
    expect(wrong.stderr).toContain('error log-missing: ')
    expect(wrong.stderr).toContain('/no where')
  })
})

it('the sources themselves, under Node 24', () => {
  expect(printed('node cli/main.ts --help', clone)).toBe(helpOfAll(COMMANDS))
  expect(typed('node cli/main.ts', clone).status).toBe(2)
})

it.each(NODES)('assembles the image in a clone, under Node %i', (node) => {
  const folder = path.join(home, `image-${node}`)
  expect(printed(`npm run --silent assemble -- ${folder}`, clone, node)).toContain(folder)
  expect(fs.readdirSync(folder)).toEqual(expect.arrayContaining(['main.js', 'Dockerfile', 'engine-hash.txt']))
})

it.each(NODES)("takes Node's own options and gives megabytes to a pipe whole, under Node %i", (node) => {
  printed(`chronicle-replay generate piped --symbols 1 --messages 20000 --days 1 --streams trades`, project, node, inPath(node))
  const line = `node --stack-size=2000 node_modules/.bin/chronicle-replay replay piped --console | wc -l`
  expect(Number(printed(line, project, node))).toBe(20_000)
  fs.rmSync(path.join(project, 'piped'), { recursive: true })
})

describe.each([20, 22, 24] as const)('a run under Node %i', (node) => {
  const archive = path.join(home, `signals-${node}`)
  // 20 ms a row, for a minute or more: each test ends it long before.
  const job = path.join(project, `slow-${node}.ts`)

  beforeAll(() => {
    printed(`chronicle-replay generate ${archive} --symbols 1 --messages 4000 --days 1`, home, node, inPath(node))
    fs.writeFileSync(job, SLOW_JOB)
  })

  it.each([
    ['SIGTERM', 143],
    ['SIGINT', 130],
  ] as const)('asked to end by %s, ends in order, commits nothing and can be gone on with', async (signal, code) => {
    const run = await startRun(node, job, archive, `${signal}-${node}`)
    run.process.kill(signal)
    expect(await run.ended, run.said()).toBe(code)
    expect(run.left()).toEqual([])
    expect(run.said()).toContain('interrupted: ')
    expect(run.said()).toContain('go on with: chronicle-replay resume ')
    expect(run.versions()).toEqual([])
  })

  it('is told once of a Ctrl-C that all of its processes get', async () => {
    const run = await startRun(node, job, archive, `group-${node}`)
    process.kill(-run.process.pid!, 'SIGINT')
    expect(await run.ended, run.said()).toBe(130)
    expect(run.left()).toEqual([])
    expect(run.said().match(/interrupted: /g)).toHaveLength(1)
    expect(run.versions()).toEqual([])
  })

  it('ends with what started it, which is killed', async () => {
    const run = await startRun(node, job, archive, `killed-${node}`)
    run.process.kill('SIGKILL')
    expect(await run.ended).toBe('SIGKILL')
    for (let waited = 0; run.left().length > 0 && waited < 10_000; waited += 20) await setTimeout(20)
    expect(run.left()).toEqual([])
    expect(run.versions()).toEqual([])
  })

  it('at a terminal gives the prompt back when nothing of it is left', async () => {
    const run = await startRun(node, job, archive, `terminal-${node}`, (line) => {
      // A shell that goes on after Ctrl-C, as the one at a prompt does.
      const shell = `trap : INT; ${line.replaceAll("'", '')}; echo "prompt $?"; sleep 1; echo after`
      return `script -qefc '${shell}' /dev/null`
    })
    run.process.stdin!.write('\u0003')
    await run.ended
    expect(run.said()).toMatch(/interrupted: [\s\S]*prompt 130\s+after\s*$/)
    expect(run.left()).toEqual([])
    expect(run.versions()).toEqual([])
  })
})

const SLOW_JOB = `import { defineJob } from 'chronicle-replay'

const wait = new Int32Array(new SharedArrayBuffer(4))

export default defineJob({
  name: 'slow',
  streams: ['trades'],
  trigger: () => ({ every: '1s' }),
  columns: { n: 'f64' },
  create() {
    let n = 0
    return { row(out) { Atomics.wait(wait, 0, 0, 20); out.n = n++ } }
  },
})
`

interface StartedRun {
  readonly process: ChildProcess
  /** Its exit code, or the signal that ended it. */
  readonly ended: Promise<number | string | null>
  said(): string
  /** Command lines of what still runs of it. */
  left(): string[]
  /** Committed versions of its table. */
  versions(): string[]
}

/** Starts a run by the link in `.bin`, in a process group of its own as a shell does, and waits until it is at work. */
async function startRun(
  node: NodeMajor,
  job: string,
  archive: string,
  name: string,
  inShell = (line: string): string => `exec ${line}`,
): Promise<StartedRun> {
  const table = path.join(home, name)
  const line = `node_modules/.bin/chronicle-replay run '${job}' --archive '${archive}' --table '${table}' --workers 1 --slice 1h`
  const child = spawn('sh', ['-c', inShell(line)], {
    cwd: project,
    env: userEnvironment(node),
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
  }
  const ended = new Promise<number | string | null>((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)))
  const left = (): string[] => processes().filter((each) => each.includes(table))
  onTestFinished(() => {
    for (const each of left()) process.kill(Number(each.split(' ')[0]), 'SIGKILL')
  })
  while (child.exitCode === null && fs.globSync('_chronicle/runs/*/plan.json', { cwd: table }).length === 0) await setTimeout(10)
  // The passes have begun.
  await setTimeout(300)
  if (child.exitCode !== null) throw new Error(`the run ended early: ${said}`)
  return { process: child, ended, said: () => said, left, versions: () => fs.globSync('_delta_log/*', { cwd: table }) }
}

/** Process id and command line of everything that runs. */
function processes(): string[] {
  return fs.globSync('[0-9]*/cmdline', { cwd: '/proc' }).flatMap((file) => {
    try {
      const words = fs.readFileSync(path.join('/proc', file), 'utf8').split('\0')
      return words[0] === '' ? [] : [`${path.dirname(file)} ${words.join(' ')}`]
    } catch {
      return [] // ended meanwhile
    }
  })
}
