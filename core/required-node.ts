import { ReplayError } from './errors.ts'

/*
 * Imported first by the library's barrel: an older Node ends here with a reason. Nothing below core may name an export of Node's
 * modules that an older one lacks in an `import { … }`: that fails before any code runs, so `import zlib from 'node:zlib'`.
 */
const OLDEST = 24

if (Number(process.versions.node.split('.')[0]) < OLDEST) {
  throw new ReplayError(
    'node-too-old',
    `the library needs Node ${OLDEST} or newer, this is ${process.versions.node}; install a newer one (the command chronicle-replay works, as the package brings a Node for it)`,
    { category: 'input' },
  )
}
