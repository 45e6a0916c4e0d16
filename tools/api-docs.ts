/**
 * Makes `dist/api/`: the guide (docs/library.md), and a Markdown page for each group of the library's exports, as `core/library.ts` has
 * them, from their docstrings. Needs the package: `npm run build`.
 */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { apiPages, groupsOf } from './api-pages.ts'

const root = path.resolve(import.meta.dirname, '..')
const file = path.join(root, 'node_modules', '.bin', 'api-extractor')
const args = ['run', '--local', '--config', 'tools/api-extractor.json']
const { status } = spawnSync(file, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' })
if (status !== 0) process.exit(status ?? 1)

const model = JSON.parse(fs.readFileSync(path.join(root, 'dist/api-model/chronicle-replay.api.json'), 'utf8'))
const groups = groupsOf(fs.readFileSync(path.join(root, 'core/library.ts'), 'utf8'))
// Its links are from where it lies.
const guide = fs
  .readFileSync(path.join(root, 'docs/library.md'), 'utf8')
  .replaceAll(/\]\((?=\w+\.md)/g, '](../../docs/')
  .replaceAll('](../examples/', '](../../examples/')
const folder = path.join(root, 'dist', 'api')
fs.rmSync(folder, { recursive: true, force: true })
fs.mkdirSync(folder, { recursive: true })
for (const [name, text] of apiPages(model, groups, guide)) fs.writeFileSync(path.join(folder, name), text)
console.log(`dist/api/index.md: the guide and ${groups.length} pages`)
