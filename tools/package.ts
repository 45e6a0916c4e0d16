/**
 * Assembles the npm package in `dist/`: JavaScript and type declarations in the folders of the sources, and a manifest that
 * points at them. Node does not run TypeScript below `node_modules`, so what is published is compiled.
 */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { ENGINE_RECORD, engineSourcesHash } from '../core/job/engine-hash.ts'

const root = path.resolve(import.meta.dirname, '..')
const dist = path.join(root, 'dist')

fs.rmSync(dist, { recursive: true, force: true })
const tsc = path.join(root, 'node_modules', '.bin', 'tsc')
const { status } = spawnSync(tsc, ['-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' })
if (status !== 0) process.exit(status ?? 1)

for (const name of ['README.md', 'CHANGELOG.md', 'LICENSE']) fs.copyFileSync(path.join(root, name), path.join(dist, name))
fs.copyFileSync(path.join(root, 'cli', 'bin.mjs'), path.join(dist, 'cli', 'bin.mjs'))

// The script of the report's page is bundled when a report is made, from its sources.
fs.cpSync(path.join(root, 'report', 'page'), path.join(dist, 'report', 'page'), { recursive: true })

fs.writeFileSync(path.join(dist, 'core', 'job', ENGINE_RECORD), `${await engineSourcesHash()}\n`)

const manifest = JSON.parse(fs.readFileSync(path.join(root, 'package.json'), 'utf8'))
const { name, version, description, keywords, license, type, bin, dependencies, allowScripts } = manifest
const published = {
  ...{ name, version, description, keywords, license, type, bin },
  exports: { '.': { types: './core/index.d.ts', default: './core/index.js' }, './package.json': './package.json' },
  ...{ dependencies, allowScripts },
}
fs.writeFileSync(path.join(dist, 'package.json'), `${JSON.stringify(published, null, 2)}\n`)
console.log('dist/ is ready: npm pack ./dist')
