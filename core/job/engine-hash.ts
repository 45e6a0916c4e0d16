import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { ReplayError } from '../errors.ts'

/** Packages outside the bundle whose version may change rows. */
const PACKAGES = ['@duckdb/node-api', '@noble/hashes', 'hyparquet-writer']

/**
 * Lies beside this module where core was compiled (the npm package) or bundled (the container image), and holds the
 * `engineSourcesHash` of what it was made of: all of them are the same engine.
 */
export const ENGINE_RECORD = 'engine-hash.txt'

let known: Promise<string> | null = null

/** The version of the engine, 32 hex digits: its sources and packages, and the major version of Node. */
export function engineHash(): Promise<string> {
  known ??= computeEngineHash()
  return known
}

/** @throws ReplayError input `engine-differs` when a run was asked for with another engine than the one that is running */
export function requireEngine(run: string, expected: string, running: string): void {
  if (expected === running) return
  const message = `run ${run} was planned for engine ${expected}, this is ${running}; use the version that planned it, or start a new run`
  throw new ReplayError('engine-differs', message, { category: 'input' })
}

async function computeEngineHash(): Promise<string> {
  const record = path.join(import.meta.dirname, ENGINE_RECORD)
  const sources = fs.existsSync(record) ? fs.readFileSync(record, 'utf8').trim() : await checkoutHash()
  return engineHashOf(sources, process.versions.node)
}

/**
 * `engineSourcesHash` of a checkout. Bundling takes 0.4 CPU seconds, which each start that plans or makes rows would pay, so the last one
 * is kept with the hash of all that went into it.
 */
async function checkoutHash(): Promise<string> {
  const core = path.resolve(import.meta.dirname, '..')
  const file = path.join(core, '../.cache/engine-hash.txt')
  const inputs = inputsHash(core)
  const [of, kept] = fs.existsSync(file) ? fs.readFileSync(file, 'utf8').trim().split(' ') : []
  if (of === inputs && kept !== undefined) return kept
  const made = await engineSourcesHash()
  try {
    fs.mkdirSync(path.dirname(file), { recursive: true })
    // Whole under its name at once: others may be reading.
    fs.writeFileSync(`${file}.${process.pid}`, `${inputs} ${made}\n`)
    fs.renameSync(`${file}.${process.pid}`, file)
  } catch {
    // A checkout that cannot be written: bundled again the next time.
  }
  return made
}

/** Hash of the bytes that `engineSourcesHash` is made of, and of more. */
function inputsHash(core: string): string {
  const find = createRequire(import.meta.url)
  const hash = createHash('sha256')
  for (const name of [...PACKAGES, 'esbuild']) hash.update(`${name} ${versionOf(find.resolve(name), name)}\n`)
  const sources = fs.readdirSync(core, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))
  for (const name of ['../package.json', ...sources.sort()]) {
    const bytes = fs.readFileSync(path.join(core, name))
    hash.update(`${name} ${bytes.length}\n`).update(bytes)
  }
  return hash.digest('hex')
}

/** The version of the engine of such sources under a version of Node. */
export function engineHashOf(sources: string, node: string): string {
  return createHash('sha256')
    .update(`node ${node.split('.')[0]}\n${sources}\n`)
    .digest('hex')
    .slice(0, 32)
}

/** Hash of core as esbuild bundles it (so that comments and formats do not count) and of the versions of packages, 64 hex digits. */
export async function engineSourcesHash(): Promise<string> {
  const core = path.resolve(import.meta.dirname, '..')
  // Only here: neither the image nor the start of a worker needs the bundler.
  const { build } = await import('esbuild')
  const { outputFiles } = await build({
    // Worker threads are entries of their own: no import leads to them.
    entryPoints: ['index.ts', ...workersIn(core)],
    absWorkingDir: core,
    outdir: '/engine',
    bundle: true,
    write: false,
    format: 'esm',
    platform: 'node',
    target: 'node24',
    packages: 'external',
    sourcemap: false,
    legalComments: 'none',
    minify: true,
    tsconfigRaw: {},
    logLevel: 'silent',
  })
  const hash = createHash('sha256')
  const find = createRequire(import.meta.url)
  for (const name of PACKAGES) hash.update(`${name} ${versionOf(find.resolve(name), name)}\n`)
  for (const { contents } of outputFiles) hash.update(createHash('sha256').update(contents).digest())
  return hash.digest('hex')
}

function workersIn(core: string): string[] {
  return (
    fs
      .readdirSync(core, { recursive: true, encoding: 'utf8' })
      // Imports make archives, of which every file is in the fingerprint; they make no rows.
      .filter((name) => name.endsWith('-worker.ts') && !path.basename(name).startsWith('import'))
      .sort()
  )
}

/** Version of the package that a file belongs to. */
function versionOf(file: string, name: string): string {
  for (let folder = path.dirname(file); folder !== path.dirname(folder); folder = path.dirname(folder)) {
    const manifest = path.join(folder, 'package.json')
    if (!fs.existsSync(manifest)) continue
    const { name: found, version } = JSON.parse(fs.readFileSync(manifest, 'utf8')) as { name?: string; version?: string }
    if (found === name) return version ?? ''
  }
  return ''
}
