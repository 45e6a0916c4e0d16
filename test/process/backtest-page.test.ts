import path from 'node:path'
import { describe } from 'vitest'
import { PageShell } from '../support/page-shell.ts'
import { testPage } from '../support/page-tests.ts'

/** docs/backtest.md from its top to its end, each line as it stands. */
describe('the page about backtests', () => {
  const shell = new PageShell('backtest-page')

  testPage(path.resolve(import.meta.dirname, '../../docs/backtest.md'), shell, ({ kind, text }, title) => {
    const file = kind === 'json' ? 'instruments.json' : /^\/\/ (\S+\.ts)$/.exec(title)![1]!
    const does = (): null => {
      shell.write(file, text)
      return null
    }
    return { name: `has ${file}`, does }
  })
})
