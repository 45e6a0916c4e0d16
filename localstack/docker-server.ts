import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { imageFolder, type LocalServer, newState } from './local-state.ts'
import { PLUGIN, type ServerOptions, serverSettings } from './server-options.ts'

/** The image that the container runs, of the version in `requirements.txt`. */
const LOCAL_IMAGE = 'localstack/localstack:4.14.0'

/** Neither a Python for LocalStack nor an engine for its container is on this machine; the message says what to install. */
export class CannotRunHere extends Error {
  constructor() {
    super(
      'LocalStack needs Python 3.13 (`python3.13` in PATH, or installed by pyenv or uv) or a docker engine on Linux, and found neither; `uv python install 3.13` is the shortest way',
    )
  }
}

/**
 * Starts LocalStack in a container, published on loopback alone. Jobs are processes in that container, so it has this
 * machine's Node mounted beside the plugin and the folder of its state.
 * @throws CannotRunHere when no docker engine for Linux programs of this machine answers
 */
export function startContainer(options: ServerOptions): LocalServer {
  if (process.platform !== 'linux' || !docker('info').ok) throw new CannotRunHere()
  const state = newState(options.port)
  const name = `chronicle-localstack-${options.port}`
  const settings = {
    ...serverSettings(options, '/var/lib/chronicle', ['/opt/chronicle/node', `${imageFolder('/var/lib/chronicle')}/main.js`]),
    PYTHONPATH: '/opt/chronicle/plugin',
    GATEWAY_LISTEN: `0.0.0.0:${options.port}`, // of the container; it is published on loopback
    LOCALSTACK_HOST: `127.0.0.1:${options.port}`,
  }
  const mounts = {
    '/opt/chronicle/plugin:ro': PLUGIN,
    '/opt/chronicle/node:ro': process.execPath,
    '/var/lib/chronicle': state,
  }
  docker('rm', '--force', name)
  const started = docker(
    ...['run', '--detach', '--rm', '--name', name, '--publish', `127.0.0.1:${options.port}:${options.port}`],
    ...Object.entries(settings).flatMap(([key, value]) => ['--env', `${key}=${value}`]),
    ...Object.entries(mounts).flatMap(([inside, outside]) => ['--volume', `${path.resolve(outside)}:${inside}`]),
    LOCAL_IMAGE,
  )
  if (!started.ok) throw new Error(`docker run ${LOCAL_IMAGE} failed: ${started.said}`)
  return { endpoint: `http://127.0.0.1:${options.port}`, state, pid: null, container: name }
}

/** Stops a container and returns when it has ended. */
export function stopContainer(name: string): void {
  docker('stop', '--time', '40', name)
}

function docker(...args: readonly string[]): { ok: boolean; said: string } {
  const ended = spawnSync('docker', args, { encoding: 'utf8' })
  return { ok: ended.status === 0, said: ended.stderr?.trim().split('\n').at(-1) ?? '' }
}
