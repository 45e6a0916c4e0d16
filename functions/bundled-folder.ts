import fs from 'node:fs'
import type { BuildOptions } from 'esbuild'

/**
 * How programs of the checkout become bundles in one folder, named like their entries. What code looks for beside itself is there, whichever
 * bundle it came to be in; so are worker threads, which are started by the names of their files and import what provides the library.
 * @param root folder of the checkout @param entries paths below it, that of what provides the library among them; threads are added
 */
export function bundledFolder(root: string, entries: readonly string[], folder: string): BuildOptions {
  return {
    entryPoints: [...entries, ...fs.globSync('core/**/*-worker.ts', { cwd: root }).sort()],
    absWorkingDir: root,
    outdir: folder,
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    tsconfigRaw: {},
    logLevel: 'warning',
  }
}
