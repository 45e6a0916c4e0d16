/** Makes `dist/api/`: one Markdown page per export of the library, from the docstrings. Needs the package: `npm run build`. */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'

const root = path.resolve(import.meta.dirname, '..')
// Editors know `@default`, TSDoc calls it `@defaultValue`.
const core = path.join(root, 'dist', 'core')
for (const name of fs.readdirSync(core, { recursive: true, encoding: 'utf8' }).filter((each) => each.endsWith('.d.ts'))) {
  const file = path.join(core, name)
  fs.writeFileSync(file, fs.readFileSync(file, 'utf8').replaceAll('@default ', '@defaultValue '))
}
run('api-extractor', 'run', '--local', '--config', 'tools/api-extractor.json')
run('api-documenter', 'markdown', '--input-folder', 'dist/api-model', '--output-folder', 'dist/api')

function run(tool: string, ...args: string[]): void {
  const file = path.join(root, 'node_modules', '.bin', tool)
  const { status } = spawnSync(file, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32' })
  if (status !== 0) process.exit(status ?? 1)
}
