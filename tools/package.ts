/**
 * Makes the npm package of the sources in `dist/`: type declarations in their folders, JavaScript bundled beside the library's, and a manifest
 * that points at them. Node does not run TypeScript below `node_modules`, so what is installed is compiled; and it takes its time over each
 * file, so that a command is up in less than half of the time where they are few. The checkout's own manifest points into `dist/`, too, so that
 * either can be packed. What is there already and of these very sources stays.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { build } from 'esbuild'
import { ENGINE_RECORD, engineSourcesHash } from '../core/job/engine-hash.ts'
import { bundledFolder } from '../functions/bundled-folder.ts'

const root = path.resolve(import.meta.dirname, '..')
const dist = path.join(root, 'dist')
/** Lies in `dist/` and tells which sources it was made of. */
const RECORD = '.sources'

const sources = sourcesHash()
if (!isMadeOf(sources)) await make()
console.log('dist/ is ready: npm pack, or npm pack ./dist')

/** Makes the folder under another name first: a command may be running out of the old one, or another build be on its way. */
async function make(): Promise<void> {
  const [making, old] = [`${dist}-${process.pid}`, `${dist}-${process.pid}-old`]
  try {
    compile(making)
    await bundle(making)
    for (const name of ['README.md', 'CHANGELOG.md', 'LICENSE']) fs.copyFileSync(path.join(root, name), path.join(making, name))
    for (const name of fs.globSync('cli/*.mjs', { cwd: root })) fs.copyFileSync(path.join(root, name), path.join(making, name))
    // The script of the report's page is bundled when a report is made, from its sources.
    fs.cpSync(path.join(root, 'report', 'page'), path.join(making, 'core', 'page'), { recursive: true })
    fs.writeFileSync(path.join(making, 'core', ENGINE_RECORD), `${await engineSourcesHash()}\n`)
    fs.writeFileSync(path.join(making, 'package.json'), `${JSON.stringify(manifest(), null, 2)}\n`)
    fs.writeFileSync(path.join(making, RECORD), sources)
    if (fs.existsSync(dist)) fs.renameSync(dist, old)
    fs.renameSync(making, dist)
  } catch (error) {
    if (!isMadeOf(sources)) throw error // else another build was faster
  } finally {
    for (const folder of [making, old]) fs.rmSync(folder, { recursive: true, force: true })
  }
}

function compile(outDir: string): void {
  const tsc = path.join(root, 'node_modules', '.bin', 'tsc')
  const words = ['-p', 'tsconfig.build.json', '--outDir', outDir]
  const { status } = spawnSync(tsc, words, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' })
  if (status !== 0) throw new Error('the compiler refused the sources (above)')
}

/** Puts bundles in place of the modules. The barrel stays as it is: it says what an older Node lacks before it imports the library. */
async function bundle(folder: string): Promise<void> {
  const barrel = path.join('core', 'index.js')
  for (const name of fs.globSync('**/*.js', { cwd: folder })) if (name !== barrel) fs.rmSync(path.join(folder, name))
  const entries = ['core/required-node.ts', 'core/provide-library.ts', 'core/library.ts', 'cli/main.ts']
  await build({ ...bundledFolder(root, entries, path.join(folder, 'core')), packages: 'external' })
}

/** The checkout's manifest without what is for its development, and with places inside `dist/`. */
function manifest(): object {
  const { scripts, devDependencies, files, exports, ...published } = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'))
  return { ...published, exports: { '.': { types: './core/index.d.ts', default: './core/index.js' }, './package.json': './package.json' } }
}

function sourcesHash(): string {
  const hash = createHash('sha256')
  const files = fs.globSync(['core/**/*.ts', 'cli/**/*.{ts,mjs}', 'report/**/*.*', 'tools/package.ts', '*.{json,md}', 'LICENSE'], {
    cwd: root,
  })
  for (const file of files.sort())
    hash.update(`${file}\n`).update(
      createHash('sha256')
        .update(fs.readFileSync(path.join(root, file)))
        .digest(),
    )
  return hash.digest('hex')
}

function isMadeOf(hash: string): boolean {
  const record = path.join(dist, RECORD)
  return fs.existsSync(record) && fs.readFileSync(record, 'utf8') === hash
}
