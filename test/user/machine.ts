import { execFileSync, type SpawnSyncReturns, spawnSync } from 'node:child_process'
import { hash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { makeOnce } from '../../localstack/make-once.ts'

/*
 * What a user has: a Node with the npm that came with it, a shell, and a clone of the project. Tests here type what users type.
 */

export const ROOT = path.resolve(import.meta.dirname, '../..')
export const NODES = [20, 22, 24] as const
export type NodeMajor = (typeof NODES)[number]

const LOCKED = path.join(import.meta.dirname, 'nodes')
const TIMEOUT_MS = 560_000
/** Of this process's environment, what npm and Vitest put there for their own children. */
const NOT_THE_USERS =
  /^(npm_(?!config_(registry|cache|userconfig|globalconfig|cafile|(http|https|no)?_?proxy)$)|NODE_(?!EXTRA_CA)|VITEST|INIT_CWD|FORCE_COLOR|TEST$|PROD$|DEV$|SSR$|BASE_URL|MODE$)/i

/** Runs a line as it is typed into a shell; its folder and the version of Node are the user's. */
export function typed(line: string, cwd: string, node: NodeMajor = 24, more: NodeJS.ProcessEnv = {}): SpawnSyncReturns<string> {
  return spawnSync('sh', ['-c', line], {
    cwd,
    encoding: 'utf8',
    env: { ...userEnvironment(node), ...more },
    timeout: TIMEOUT_MS,
    maxBuffer: 1 << 28,
  })
}

/** What such a line printed. @throws Error with all it said when it fails */
export function printed(line: string, cwd: string, node: NodeMajor = 24, more: NodeJS.ProcessEnv = {}): string {
  const { status, stdout, stderr, error } = typed(line, cwd, node, more)
  if (status === 0) return stdout
  throw new Error(
    `${line} (Node ${node}, in ${cwd}) ended with ${error?.message ?? status}:\n${stdout.slice(-4000)}\n${stderr.slice(-4000)}`,
  )
}

/** Environment of a shell in which `node`, `npm` and `npx` are of that version, and nothing is known of the project. */
export function userEnvironment(node: NodeMajor): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !NOT_THE_USERS.test(name))
  const places = (process.env.PATH ?? '').split(path.delimiter).filter((place) => !place.includes('node_modules'))
  return { ...Object.fromEntries(own), PATH: [path.join(nodesFolder(), String(node)), ...places].join(path.delimiter) }
}

/** Folder with a folder per version, each with `node`, `npm` and `npx`; installed once, from a lock. */
function nodesFolder(): string {
  const lock = fs.readFileSync(path.join(LOCKED, 'package-lock.json'), 'utf8')
  return makeOnce(`nodes-${process.arch}-${hash('sha256', lock, 'hex').slice(0, 16)}`, (folder) => {
    fs.cpSync(LOCKED, folder, { recursive: true })
    // No scripts: these packages have none, and npm runs here with whatever Node there is.
    execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'], {
      cwd: folder,
      stdio: 'pipe',
    })
    for (const major of NODES) {
      const bin = path.join(folder, String(major))
      fs.mkdirSync(bin)
      fs.symlinkSync(`../node_modules/node-linux-${process.arch}-${major}/bin/node`, path.join(bin, 'node'))
      for (const name of ['npm', 'npx']) fs.symlinkSync(`../node_modules/npm-${major}/bin/${name}-cli.js`, path.join(bin, name))
    }
  })
}

/** Makes a git repository of the working tree, changes that are not committed included: what a clone of its next commit would be. */
export function makeClone(folder: string): void {
  const git = (cwd: string, ...words: string[]): string =>
    execFileSync('git', ['-C', cwd, ...words], { encoding: 'utf8', maxBuffer: 1 << 26 })
  for (const name of git(ROOT, 'ls-files', '-coz', '--exclude-standard').split('\0')) {
    const file = path.join(ROOT, name)
    if (name !== '' && fs.existsSync(file)) fs.cpSync(file, path.join(folder, name), { verbatimSymlinks: true })
  }
  git(folder, 'init', '--quiet')
  git(folder, 'add', '--all')
  git(folder, '-c', 'user.name=user', '-c', 'user.email=user@example.com', 'commit', '--quiet', '--message', 'As it is')
}

/** An empty project as npm makes it. */
export function emptyProject(folder: string, node: NodeMajor = 24): void {
  fs.mkdirSync(folder, { recursive: true })
  printed('npm init --yes', folder, node)
}
