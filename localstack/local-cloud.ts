import path from 'node:path'
import { assembleImage } from '../functions/assemble.ts'
import { bootstrap, type Deployment, deploy, synthesize } from './deployment.ts'
import { startServer, stopServer } from './local-server.ts'
import { imageFolder, type LocalServer } from './local-state.ts'
import type { ServerOptions } from './server-options.ts'

/** LocalStack with the stack of `infra/` in it. */
export interface LocalCloud extends Deployment {
  readonly server: LocalServer
  /** Folder that the stack was synthesised to. */
  readonly template: string
}

/**
 * Starts LocalStack and deploys the stack.
 * @param say told what is being done, a line at a time
 * @throws CannotRunHere where LocalStack cannot run; nothing is left behind then
 */
export async function startCloud(options: ServerOptions, say: (line: string) => void): Promise<LocalCloud> {
  say(`starting LocalStack at http://127.0.0.1:${options.port}`)
  const server = await startServer(options)
  try {
    const template = path.join(server.state, 'cdk.out')
    say('making the container image and the stack')
    await Promise.all([bootstrap(server), assembleImage(imageFolder(server.state)), synthesize(template)])
    say('deploying the stack')
    return { server, template, ...(await deploy(server, template)) }
  } catch (error) {
    await stopServer(server)
    throw error
  }
}
