import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import { docBlocks } from '../support/doc-blocks.ts'
import { asSeen, PageShell } from '../support/page-shell.ts'
import { printedByReaders, pythonWithReaders } from '../support/python-readers.ts'
import { describeCloud } from './cloud.ts'

const python = pythonWithReaders()
const PAGE = path.resolve(import.meta.dirname, '../../docs/tables.md')

/** The examples of docs/tables.md that read a table on S3, as they stand but for the bucket's name. */
describeCloud('tables on S3 in Python', (cloud) => {
  const shell = new PageShell('tables-page-s3')
  const blocks = docBlocks(fs.readFileSync(PAGE, 'utf8')).filter(({ kind }) => kind === 'py' || kind === 'text')
  const examples = blocks.filter(({ text }) => text.includes('s3://TABLE-BUCKET/'))
  const place = `${cloud.outputs.TableBucket}/tables-page`

  beforeAll(() => {
    const from = '2024-01-01'
    shell.printed('npx', 'chronicle-replay', 'generate', 'archive', '--symbols', '2', '--messages', '20000', '--from', from, '--quiet')
    const table = ['--table', `s3://${place}/bars`, '--endpoint', cloud.server.endpoint]
    shell.printed('npx', 'chronicle-replay', 'run', 'bars', '--archive', 'archive', ...table, '--param', 'every=1h', '--quiet')
  })

  test('there are three', () => {
    expect(examples.map(({ text }) => /^(?:import|from) (\w+)/.exec(text)?.[1])).toEqual(['polars', 'deltalake', 'duckdb'])
  })

  test.skipIf(python === null).each(examples.map(({ text }) => [text.split('\n')[0]!, text]))('%s: as in the folder', (_, text) => {
    const env = { AWS_ENDPOINT_URL: cloud.server.endpoint, AWS_ALLOW_HTTP: 'true' }
    for (const [name, value] of Object.entries(env)) process.env[name] = value
    // The same example with a folder comes first on the page, and what it prints behind it.
    const here = blocks.findIndex((block) => block.kind === 'py' && block.text === text.replaceAll('s3://TABLE-BUCKET/', ''))
    expect(here).toBeGreaterThanOrEqual(0)
    const printed = printedByReaders(python!, ['-c', text.replaceAll('TABLE-BUCKET', place)], shell.cwd)
    expect(asSeen(printed)).toBe(asSeen(blocks[here + 1]!.text))
  })
})
