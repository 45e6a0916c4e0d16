/**
 * Assembles the content of the container image in a folder (`dist-image/`, or the one given): the entry and its worker threads
 * as JavaScript with all they need, and nothing else. The Dockerfile only copies it, so that what ships can be run and tested
 * without a container engine.
 */
import fs from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'
import { isProgram } from '../core/is-program.ts'
import { ENGINE_RECORD, engineSourcesHash } from '../core/job/engine-hash.ts'

const root = path.resolve(import.meta.dirname, '..')

if (isProgram(import.meta.filename)) {
  const folder = path.resolve(process.argv[2] ?? path.join(root, 'dist-image'))
  const bytes = await assembleImage(folder)
  console.log(`${folder}: ${(bytes / 2 ** 20).toFixed(1)} MiB; build the image with: docker build -f functions/Dockerfile ${folder}`)
}

/** Writes the content of the image into a folder, emptied before, and returns its bytes. */
export async function assembleImage(folder: string): Promise<number> {
  fs.rmSync(folder, { recursive: true, force: true })
  await build({
    // Worker threads are started by the names of their files, beside the code that starts them, and import what provides the library.
    entryPoints: ['functions/main.ts', 'core/provide-library.ts', ...fs.globSync('core/**/*-worker.ts', { cwd: root }).sort()],
    absWorkingDir: root,
    outdir: folder,
    entryNames: '[name]',
    chunkNames: '[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    // Packages as modules where they are: `import()` of a CommonJS one that is bundled gives no named exports.
    mainFields: ['module', 'main'],
    // Queries and the making of bundles, which no container does, load these when they are called.
    external: ['@duckdb/node-api', 'esbuild'],
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'linked',
    // Some packages are CommonJS and ask for Node's own modules by `require`.
    banner: { js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);" },
    tsconfigRaw: {},
    logLevel: 'warning',
  })
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify({ type: 'module', private: true })}\n`)
  fs.writeFileSync(path.join(folder, ENGINE_RECORD), `${await engineSourcesHash()}\n`)
  const files = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return files.reduce((sum, name) => sum + fs.statSync(path.join(folder, name)).size, 0)
}
