import { describe, inject } from 'vitest'
import { localEnvironment } from '../../localstack/deployment.ts'
import type { LocalCloud } from '../../localstack/local-cloud.ts'

/** A `describe` on the LocalStack that the files share; skipped where it cannot run, which `global-setup.ts` has said. */
export function describeCloud(name: string, body: (cloud: LocalCloud) => void): void {
  const cloud = inject('cloud')
  if (cloud === null) {
    describe.skip(name, () => {})
    return
  }
  // The command line and the AWS clients find LocalStack as they would find AWS.
  Object.assign(process.env, localEnvironment(cloud.server.endpoint))
  describe(name, () => body(cloud))
}
