import os from 'node:os'
import path from 'node:path'
import { defineConfig } from 'vitest/config'

// unit: milliseconds each, no processes. property: the same, but many random cases or large ones. golden: files of other implementations. process: real child processes, files, kills.
// user: what users type, in a clone and in projects beside it, with their Node and npm (installed from a lock on first use).
// interop: readers written by others (Python, Java; installed from locks on first use).
// cloud: the deployed stack on one LocalStack, which all files share, one after the other.
const project = (name: string, testTimeout: number, more: object = {}) => ({
  test: {
    name,
    include: [`test/${name}/**/*.test.ts`],
    setupFiles: ['core/provide-library.ts'],
    testTimeout,
    hookTimeout: testTimeout,
    ...more,
  },
})

export default defineConfig({
  test: {
    pool: 'forks',
    // As the command has it: threads that tests start are up in a third of the time.
    env: { NODE_COMPILE_CACHE: path.join(os.tmpdir(), 'node-compile-cache') },
    // Vitest leaves one core free by default, which is half of a small machine.
    maxWorkers: '100%',
    projects: [
      // Unit tests share no state, so they need no fresh environment per file: half of their time was imports.
      project('unit', 10_000, { pool: 'threads', isolate: false }),
      // Nor do these, which are too long for threads of one process.
      project('property', 60_000, { isolate: false }),
      project('golden', 120_000, { isolate: false }),
      project('process', 300_000),
      project('user', 600_000, { globalSetup: ['test/user/global-setup.ts'] }),
      project('interop', 300_000),
      project('cloud', 300_000, { globalSetup: ['test/cloud/global-setup.ts'], fileParallelism: false }),
    ],
  },
})
