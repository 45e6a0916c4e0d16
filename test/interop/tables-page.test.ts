import path from 'node:path'
import { describe } from 'vitest'
import { PageShell } from '../support/page-shell.ts'
import { testPage } from '../support/page-tests.ts'
import { printedByReaders, pythonWithReaders } from '../support/python-readers.ts'

const python = pythonWithReaders()

/** docs/tables.md from its top to its end, each line as it stands, in an empty folder. */
describe.skipIf(python === null)('the page about tables', () => {
  const shell = new PageShell('tables-page')

  testPage(path.resolve(import.meta.dirname, '../../docs/tables.md'), shell, ({ kind, text }, title) => {
    if (kind !== 'py') throw new Error(`docs/tables.md: expected sh, py or text, found ${kind}`)
    return { name: `runs: ${title}`, does: () => printedByReaders(python!, ['-c', text], shell.cwd) }
  })
})
