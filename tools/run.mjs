// `node tools/run.mjs PROGRAM …`: runs a program of the clone, which is TypeScript, under whatever Node there is (README.md, "Install").
import path from 'node:path'
import { runInNewerNode } from '../cli/newer-node.mjs'

const [program, ...words] = process.argv.slice(2)
await runInNewerNode(path.resolve(program), words)
