import path from 'node:path'
import type { TestProject } from 'vitest/node'
import { CannotRunHere } from '../../localstack/docker-server.ts'
import { type LocalCloud, startCloud } from '../../localstack/local-cloud.ts'
import { stopServer } from '../../localstack/local-server.ts'
import { freePort } from './free-port.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** Null where LocalStack cannot run. */
    cloud: LocalCloud | null
  }
}

let cloud: LocalCloud | null = null

/** One LocalStack with the stack deployed, for all files of the project. */
export async function setup(project: TestProject): Promise<void> {
  const started = Date.now()
  try {
    cloud = await startCloud(
      {
        port: await freePort(),
        slots: 4,
        graceSeconds: 5,
        programs: { '^test-program': [process.execPath, path.join(import.meta.dirname, 'programs/job.mjs')] },
        parent: process.pid,
      },
      () => {},
    )
    process.stderr.write(`cloud tests: LocalStack with the stack in ${((Date.now() - started) / 1000).toFixed(1)} s\n`)
    project.provide('cloud', cloud)
  } catch (error) {
    const line = `cloud tests did not run: ${error instanceof Error ? error.message : String(error)}`
    // What cannot run here must not look like a success where tests decide, nor must a defect of ours anywhere.
    if (process.env.CI === 'true' || !(error instanceof CannotRunHere)) throw new Error(line)
    process.stderr.write(`${line}\n`)
    project.provide('cloud', null)
  }
}

export async function teardown(): Promise<void> {
  if (cloud !== null) await stopServer(cloud.server)
}
