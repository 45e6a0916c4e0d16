#!/usr/bin/env node
// Runs the command line with the Node that the package brings when the one at hand is too old.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const [compiled, source] = ['./main.js', './main.ts'].map((name) => fileURLToPath(new URL(name, import.meta.url)))
const main = existsSync(compiled) ? compiled : source
if (Number(process.versions.node.split('.')[0]) >= 24) {
  await import(main)
} else {
  const node = path.join(path.dirname(createRequire(import.meta.url).resolve('node/package.json')), 'bin', 'node')
  const { status, signal } = spawnSync(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' })
  process.exitCode = status ?? (signal === 'SIGINT' ? 130 : 1)
}
