import fs from 'node:fs'
import path from 'node:path'

/**
 * Folder of everything that is kept between starts: Python environments, and a folder per LocalStack. Not below `node_modules`,
 * which an install empties, though a LocalStack may be running.
 */
export const CACHE = path.resolve(import.meta.dirname, '../.cache')

/** A LocalStack that was started. */
export interface LocalServer {
  /** `http://127.0.0.1:<port>` */
  readonly endpoint: string
  /** Folder of its log, its jobs' logs and scratch folders. */
  readonly state: string
  /** Process id, where it is a process of this machine. */
  readonly pid: number | null
  /** Name of its container, where it is one. */
  readonly container: string | null
}

/** Folder of the LocalStack at a port. */
export function stateFolder(port: number): string {
  return path.join(CACHE, String(port))
}

/** Folder, below that of a LocalStack, with what the container image holds; its entry is `main.js`. */
export function imageFolder(state: string): string {
  return path.join(state, 'image')
}

/** Makes the empty folder of a new LocalStack, and removes what those left that have ended. */
export function newState(port: number): string {
  const running = savedServers().map(({ state }) => path.basename(state))
  for (const name of fs.globSync('[0-9]*', { cwd: CACHE })) {
    if (!running.includes(name)) fs.rmSync(path.join(CACHE, name), { recursive: true, force: true })
  }
  const state = stateFolder(port)
  fs.rmSync(state, { recursive: true, force: true })
  fs.mkdirSync(state, { recursive: true })
  return state
}

/** Remembers a server, which may outlive this process. */
export function saveServer(server: LocalServer): void {
  fs.writeFileSync(path.join(server.state, 'server.json'), `${JSON.stringify(server)}\n`)
}

/** The servers that were started and not stopped. */
export function savedServers(): LocalServer[] {
  const files = fs.globSync('[0-9]*/server.json', { cwd: CACHE }).map((name) => path.join(CACHE, name))
  const servers = files.map((file) => JSON.parse(fs.readFileSync(file, 'utf8')) as LocalServer)
  return servers.filter(({ pid }) => pid === null || isAlive(pid))
}

/** Forgets a server that has ended. Its logs stay until the next start. */
export function forgetServer(server: LocalServer): void {
  fs.rmSync(path.join(server.state, 'server.json'), { force: true })
}

export function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
