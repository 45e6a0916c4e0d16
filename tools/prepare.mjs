// npm's `prepare`: after an install in a checkout, before the package is packed, and where another project installs the checkout by
// its folder or git URL. Makes `dist/`, which the package's manifest points at. Plain JavaScript for any Node.
import { spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { broughtNode, newerNode } from '../cli/newer-node.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const lacks = (name) => !existsSync(path.join(root, 'node_modules', name))
const { npm_command: command, npm_config_local_prefix: prefix = '' } = process.env
const isOwnInstall = ['ci', 'install'].includes(command) && path.resolve(prefix) === path.resolve(root)

if (lacks('typescript') || lacks('esbuild')) {
  const what = `chronicle-replay in ${root} cannot be built, as its packages are not installed`
  // The command runs without; whoever installs the folder elsewhere needs the library, too.
  if (!isOwnInstall || lacks('esbuild')) end(1, `${what}: run \`npm ci\` there first`)
  end(0, `${what} (development packages were omitted); the command runs from its sources, the library does not`)
}
try {
  linkNode()
  const env = { ...process.env, NODE_NO_WARNINGS: '1' }
  const { status } = spawnSync(newerNode(), [path.join(root, 'tools', 'package.ts')], { stdio: 'inherit', env })
  // `npm start` and `npm test` need not install again.
  if (status === 0 && isOwnInstall) copyFileSync(path.join(root, 'package-lock.json'), path.join(root, 'node_modules', '.installed-lock'))
  end(status ?? 1, '')
} catch (error) {
  end(1, error.message)
}

/**
 * Scripts of the checkout name `node` and mean the one that the package brings. npm 10 takes away its link in `.bin` together with
 * the packages of other platforms, whose program has the same name.
 */
function linkNode() {
  const link = path.join(root, 'node_modules', '.bin', 'node')
  if (existsSync(link) || existsSync(`${link}.cmd`)) return
  try {
    const target = path.relative(path.dirname(link), broughtNode())
    if (process.platform === 'win32') writeFileSync(`${link}.cmd`, `@"%~dp0\\${target}" %*\r\n`)
    else symlinkSync(target, link)
  } catch {
    // Then Node is that of the user, whose version decides below.
  }
}

function end(code, message) {
  if (message !== '') console.error(message)
  process.exit(code)
}
