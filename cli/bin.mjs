#!/usr/bin/env node
// The installed command: finds the command line beside it and runs it, in the Node that the package brings when the one at hand is too old.
import { existsSync } from 'node:fs'
import module from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { endWithStarter, isNewEnough, runInNewerNode } from './newer-node.mjs'

const EXIT_USAGE = 2
const here = fileURLToPath(import.meta.url)
const folder = fileURLToPath(new URL('..', import.meta.url))

if (isNewEnough) {
  endWithStarter()
  // A command and its threads start in a third of the time. Threads look at the variable.
  process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'node-compile-cache')
  module.enableCompileCache()
  const program = await load()
  await program?.start()
} else {
  await runInNewerNode(here, process.argv.slice(2)).catch(refuse)
}

/** The command line: sources of a checkout (Node runs no TypeScript below `node_modules`), or what was built of them. */
async function load() {
  const places = [...(/[\\/]node_modules[\\/]/.test(here) ? [] : ['./main.ts']), '../core/main.js', '../dist/core/main.js']
  const main = places.map((place) => new URL(place, import.meta.url)).find((url) => existsSync(url))
  if (main === undefined) {
    refuse(new Error(`${folder} was installed without being built, as npm does with --ignore-scripts; see "Install" in its README.md`))
    return null
  }
  try {
    return await import(main.href)
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error
    refuse(new Error(`a package that it needs is not installed: ${error.message}; run \`npm ci\` in ${folder}`))
    return null
  }
}

function refuse(error) {
  console.error(`error start: ${error.message}`)
  process.exitCode = EXIT_USAGE
}
