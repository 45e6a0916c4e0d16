import { defineConfig } from 'vitest/config'

// unit: milliseconds each, no processes. golden: files of other implementations. process: real child processes, files, kills.
const project = (name: string, testTimeout: number) => ({
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout, hookTimeout: testTimeout },
})

export default defineConfig({
  test: {
    pool: 'forks',
    projects: [project('unit', 10_000), project('golden', 120_000), project('process', 120_000)],
  },
})
