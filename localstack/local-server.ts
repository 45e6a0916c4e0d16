import { spawn, spawnSync } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { startContainer, stopContainer } from './docker-server.ts'
import { forgetServer, imageFolder, isAlive, type LocalServer, newState, saveServer } from './local-state.ts'
import { findPython, pythonEnvironment } from './python-environment.ts'
import { PLUGIN, type ServerOptions, serverSettings } from './server-options.ts'

const READY_MS = 120_000
const STOP_MS = 40_000

/**
 * Starts LocalStack and waits until it answers.
 * @throws CannotRunHere where there is neither Python 3.13 nor docker
 */
export async function startServer(options: ServerOptions): Promise<LocalServer> {
  if (await isListening(options.port))
    throw new Error(`expected port ${options.port} to be free, found a server there; choose another or end it`)
  const python = findPython()
  const server = python === null ? startContainer(options) : startProcess(options, pythonEnvironment(python))
  saveServer(server)
  try {
    await untilReady(server)
  } catch (error) {
    await stopServer(server)
    throw error
  }
  return server
}

/** Stops LocalStack and what it runs, and returns when all has ended. */
export async function stopServer(server: LocalServer): Promise<void> {
  if (server.container !== null) stopContainer(server.container)
  if (server.pid !== null) await stopProcess(server.pid)
  forgetServer(server)
}

async function stopProcess(pid: number): Promise<void> {
  signal(pid, 'SIGTERM')
  const deadline = Date.now() + STOP_MS
  while (isAlive(pid) && Date.now() < deadline) await sleep(50)
  for (const each of sessionProcesses(pid)) signal(each, 'SIGKILL')
}

/** Process ids of a server and of all that it started; jobs have process groups of their own, but share its session. */
export function sessionProcesses(pid: number): number[] {
  const { stdout } = spawnSync('ps', ['-A', '-o', 'pid=,sid='], { encoding: 'utf8' })
  const rows = (stdout ?? '').split('\n').map((line) => line.trim().split(/\s+/).map(Number))
  return rows.filter(([, session]) => session === pid).map(([process]) => process!)
}

function startProcess(options: ServerOptions, python: string): LocalServer {
  const state = newState(options.port)
  const log = fs.openSync(path.join(state, 'localstack.log'), 'a')
  const child = spawn(python, ['-m', 'localstack.runtime.main'], {
    detached: true, // a session of its own
    stdio: ['ignore', log, log],
    cwd: state,
    env: {
      PATH: process.env.PATH,
      HOME: state,
      PYTHONPATH: PLUGIN,
      PYTHONDONTWRITEBYTECODE: '1',
      PYTHONUNBUFFERED: '1',
      FILESYSTEM_ROOT: path.join(state, 'root'),
      GATEWAY_LISTEN: `127.0.0.1:${options.port}`,
      LOCALSTACK_HOST: `127.0.0.1:${options.port}`,
      OVERRIDE_IN_DOCKER: '0', // some sandboxes look like docker to it
      ...(options.parent === undefined ? {} : { CHRONICLE_PARENT: String(options.parent) }),
      ...serverSettings(options, state, [process.execPath, path.join(imageFolder(state), 'main.js')]),
    },
  })
  fs.closeSync(log)
  child.unref()
  return { endpoint: `http://127.0.0.1:${options.port}`, state, pid: child.pid!, container: null }
}

async function untilReady(server: LocalServer): Promise<void> {
  const deadline = Date.now() + READY_MS
  while (Date.now() < deadline) {
    const answer = await fetch(`${server.endpoint}/_chronicle/jobs`).catch(() => null)
    if (answer?.ok) return
    if (server.pid !== null && !isAlive(server.pid)) break
    await sleep(100)
  }
  const log = path.join(server.state, 'localstack.log')
  const tail = fs.existsSync(log) ? fs.readFileSync(log, 'utf8').trim().split('\n').slice(-5).join('\n') : `docker logs ${server.container}`
  throw new Error(`LocalStack did not answer at ${server.endpoint}:\n${tail}`)
}

async function isListening(port: number): Promise<boolean> {
  const socket = net.connect(port, '127.0.0.1')
  const answers = await new Promise<boolean>((resolve) => socket.on('connect', () => resolve(true)).on('error', () => resolve(false)))
  socket.destroy()
  return answers
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch {
    // Has ended.
  }
}
