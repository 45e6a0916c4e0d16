import fs from 'node:fs'

/**
 * Whether a module is what Node was started with, not imported by another. `import.meta.main` says the same, but is missing before
 * Node 24.2, where a program would then do nothing and say nothing.
 * @param module its `import.meta.filename`
 */
export function isProgram(module: string): boolean {
  const [, started] = process.argv
  // Started through a link, argv has the link's name and the module its own.
  return started !== undefined && fs.existsSync(started) && fs.realpathSync(started) === fs.realpathSync(module)
}
