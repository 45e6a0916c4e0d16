import { createHash } from 'node:crypto'
import fs from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { build } from 'esbuild'

/** Packages outside the bundle whose version may change rows. */
const PACKAGES = ['@duckdb/node-api', '@noble/hashes', 'hyparquet-writer']

let known: Promise<string> | null = null

/**
 * The version of the engine, 32 hex digits: core as esbuild bundles it (so that comments and formats do not count), the
 * major version of Node, and the versions of packages.
 */
export function engineHash(): Promise<string> {
  known ??= computeEngineHash()
  return known
}

async function computeEngineHash(): Promise<string> {
  const core = path.resolve(import.meta.dirname, '..')
  const extension = import.meta.filename.endsWith('.ts') ? '.ts' : '.js'
  const { outputFiles } = await build({
    // Worker threads are entries of their own: no import leads to them.
    entryPoints: [`index${extension}`, ...workersIn(core, `-worker${extension}`)],
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
  const hash = createHash('sha256').update(`node ${process.versions.node.split('.')[0]}\n`)
  const find = createRequire(import.meta.url)
  for (const name of PACKAGES) hash.update(`${name} ${versionOf(find.resolve(name), name)}\n`)
  for (const { contents } of outputFiles) hash.update(createHash('sha256').update(contents).digest())
  return hash.digest('hex').slice(0, 32)
}

function workersIn(core: string, suffix: string): string[] {
  return fs
    .readdirSync(core, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith(suffix))
    .sort()
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
