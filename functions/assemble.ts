/**
 * Assembles the content of the container image in a folder (`dist-image/`, or the one given): the entry and its worker threads
 * as JavaScript with all they need, and nothing else; and the Dockerfile, which only copies it, so that what ships can be run and tested
 * without a container engine.
 */
import fs from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'
import { isProgram } from '../core/is-program.ts'
import { ENGINE_RECORD, engineHashOf, engineSourcesHash } from '../core/job/engine-hash.ts'
import { bundledFolder } from './bundled-folder.ts'

const root = path.resolve(import.meta.dirname, '..')

/** Where the content of the image is put by default. */
export const IMAGE_FOLDER = path.join(root, 'dist-image')

if (isProgram(import.meta.filename)) {
  const folder = path.resolve(process.argv[2] ?? IMAGE_FOLDER)
  const { bytes } = await assembleImage(folder)
  console.log(`${folder}: ${(bytes / 2 ** 20).toFixed(1)} MiB; build the image with: docker build --platform linux/amd64 ${folder}`)
}

/** What an image is made of. */
export interface ImageContent {
  /** With its Dockerfile. */
  readonly folder: string
  readonly bytes: number
  /** The engine in it, as it tells its hash when it runs. */
  readonly engine: string
}

/** Writes the content of the image into a folder, emptied before. */
export async function assembleImage(folder: string): Promise<ImageContent> {
  const sources = await bundleProgram('functions/main.ts', folder)
  const dockerfile = fs.readFileSync(path.join(root, 'functions/Dockerfile'), 'utf8')
  fs.writeFileSync(path.join(folder, 'Dockerfile'), dockerfile)
  // What builds the image is no part of it.
  fs.writeFileSync(path.join(folder, '.dockerignore'), 'Dockerfile\n.dockerignore\n')
  const files = fs.readdirSync(folder, { recursive: true, encoding: 'utf8' })
  const bytes = files.reduce((sum, name) => sum + fs.statSync(path.join(folder, name)).size, 0)
  return { folder, bytes, engine: engineHashOf(sources, /^FROM node:([\d.]+)-[\w-]+@sha256:/m.exec(dockerfile)![1]!) }
}

/**
 * Bundles a program of the checkout with its worker threads and packages into a folder, emptied before, as a file named like it. It starts in
 * a fraction of the time that its sources take. Gives `engineSourcesHash`.
 * @param entry path below the checkout
 */
export async function bundleProgram(entry: string, folder: string): Promise<string> {
  fs.rmSync(folder, { recursive: true, force: true })
  await build({
    ...bundledFolder(root, [entry, 'core/provide-library.ts'], folder),
    // Packages as modules where they are: `import()` of a CommonJS one that is bundled gives no named exports.
    mainFields: ['module', 'main'],
    // Queries and the making of bundles, which no container does, load these when they are called.
    external: ['@duckdb/node-api', 'esbuild'],
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'linked',
    // Some packages are CommonJS and ask for Node's own modules by `require`.
    banner: { js: "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url);" },
  })
  fs.writeFileSync(path.join(folder, 'package.json'), `${JSON.stringify({ type: 'module', private: true })}\n`)
  const sources = await engineSourcesHash()
  fs.writeFileSync(path.join(folder, ENGINE_RECORD), `${sources}\n`)
  return sources
}
