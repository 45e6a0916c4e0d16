import fs from 'node:fs'
import { ReplayError } from '../errors.ts'
import { bundleFailure, bundleModule, runModule } from '../user-module.ts'
import type { Importer } from './importer.ts'

/** The code of an importer of the user's: one JavaScript file. */
export interface OwnImporter {
  /** Path of its module, for messages. */
  readonly path: string
  readonly code: string
}

/** @throws ReplayError input `import-module` */
export async function bundleImporter(path: string): Promise<OwnImporter> {
  if (!fs.statSync(path, { throwIfNoEntry: false })?.isFile()) throw moduleError('there is no such module', path)
  try {
    return { path, code: (await bundleModule(path)).code }
  } catch (error) {
    throw moduleError(`the module cannot be bundled: ${bundleFailure(error)}`, path, error)
  }
}

/** @throws ReplayError input `import-module` when the module throws, or exports no importer */
export async function loadImporter({ path, code }: OwnImporter): Promise<Importer> {
  let exported: { readonly default?: Partial<Importer> }
  try {
    exported = (await runModule(code, path)) as typeof exported
  } catch (error) {
    throw moduleError(`the module throws when it is loaded: ${String(error)}`, path, error)
  }
  const importer = exported.default
  if (typeof importer?.name === 'string' && typeof importer.recognise === 'function' && typeof importer.read === 'function') {
    return importer as Importer
  }
  throw moduleError('expected a module with `export default defineImporter({ name, title, recognise, read })`', path)
}

function moduleError(message: string, path: string, cause?: unknown): ReplayError {
  return new ReplayError('import-module', message, { category: 'input', path, cause })
}
