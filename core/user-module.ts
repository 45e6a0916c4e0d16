import { createRequire } from 'node:module'
import path from 'node:path'
import vm from 'node:vm'
import type { BuildFailure } from 'esbuild'
import { hostLibrary } from './host-library.ts'

/**
 * Bundles a module of the user's, in TypeScript or JavaScript, as a function body. The same sources give the same bytes wherever they
 * lie: paths are relative to the module, and the source map is not in them. `chronicle-replay` stays outside: it is the host's.
 * @throws what esbuild throws; see `bundleFailure`
 */
export async function bundleModule(file: string): Promise<BundledModule> {
  const entry = path.resolve(file)
  // Only here: the image runs bundles and makes none.
  const { build } = await import('esbuild')
  const result = await build({
    entryPoints: [`./${path.basename(entry)}`],
    absWorkingDir: path.dirname(entry),
    bundle: true,
    write: false,
    // A function body: it loads anywhere, and its `require` decides what `chronicle-replay` is.
    format: 'cjs',
    platform: 'node',
    target: 'node24',
    external: ['chronicle-replay'],
    // Beside the code, which does not name it.
    sourcemap: 'external',
    sourcesContent: false,
    outfile: 'bundle.js',
    legalComments: 'none',
    charset: 'utf8',
    treeShaking: true,
    // Settings of the place where the module happens to lie must not change its code.
    tsconfigRaw: {},
    logLevel: 'silent',
  })
  const [map, code] = result.outputFiles
  return { code: code!.text, map: map!.text }
}

export interface BundledModule {
  readonly code: string
  /** Source map, JSON: from lines of the code to those of the files, whose paths are relative to the module. */
  readonly map: string
}

/** Why a module cannot be bundled, with the place. */
export function bundleFailure(error: unknown): string {
  const [first] = (error as Partial<BuildFailure>).errors ?? []
  if (first === undefined) return error instanceof Error ? error.message : String(error)
  const { location, text } = first
  return location === null ? text : `${text} (${location.file}:${location.line})`
}

/**
 * Runs bundled code and gives what it exports.
 * @param name what to call it in stack traces, e.g. the module's path
 * @param guard what it finds in place of global names, and which modules it may have
 * @param library what it finds as `chronicle-replay`. @default all of it, which is loaded with the first module that may want it
 * @throws what the module throws
 */
export async function runModule(code: string, name: string, guard: ModuleGuard = NO_GUARD, library?: object): Promise<unknown> {
  const given = library ?? (await hostLibrary().load())
  const own = createRequire(import.meta.url)
  const module: { exports: unknown } = { exports: {} }
  const requireOf = (id: string): unknown => {
    if (id === 'chronicle-replay') return given
    guard.requireModule(id)
    return own(id)
  }
  const names = Object.keys(guard.globals)
  const run = vm.compileFunction(code, ['module', 'exports', 'require', ...names], { filename: name }) as (...given: unknown[]) => void
  run(module, module.exports, requireOf, ...Object.values(guard.globals))
  return module.exports
}

/** Bounds of a module's code. */
export interface ModuleGuard {
  readonly globals: Readonly<Record<string, unknown>>
  /** @throws ReplayError for a module that it may not have */
  readonly requireModule: (id: string) => void
}

const NO_GUARD: ModuleGuard = { globals: {}, requireModule: () => {} }
