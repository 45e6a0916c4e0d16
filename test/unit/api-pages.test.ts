import fs from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import * as library from '../../core/index.ts'
import { apiPages, groupsOf, pageOf } from '../../tools/api-pages.ts'

const BARREL = fs.readFileSync(path.resolve(import.meta.dirname, '../../core/library.ts'), 'utf8')

it('has every export in one group, and a page of its own for each group', () => {
  const groups = groupsOf(BARREL)
  const names = groups.flatMap((group) => group.names)
  expect(Object.keys(library).filter((name) => !names.includes(name))).toEqual([])
  expect(names).toContain('RunJobOptions')
  expect(new Set(names).size).toBe(names.length)
  expect(new Set(groups.map(pageOf)).size).toBe(groups.length)
  expect(groups.length).toBeLessThan(20)
})

it('makes the guide and a page per group, with signatures and docstrings', () => {
  const member = {
    kind: 'Class',
    name: 'Reader',
    docComment: '/**\n * Reads a log.\n *\n * @throws ReplayError input `log-missing`\n */\n',
    excerptTokens: [{ text: 'export declare class ' }, { text: 'Reader' }],
    members: [
      {
        kind: 'Method',
        name: 'open',
        docComment: '/** Opens it.\n * @param log its directory\n */',
        excerptTokens: [{ text: 'static open(log: string): Reader;' }],
      },
    ],
  }
  const model = { kind: 'Package', members: [{ kind: 'EntryPoint', members: [member] }] }
  const pages = new Map(apiPages(model, [{ title: 'Read logs: all of them', names: ['Reader'] }], '# Guide\n'))
  expect([...pages.keys()]).toEqual(['index.md', 'read-logs.md'])
  expect(pages.get('index.md')).toContain('- [Read logs: all of them](read-logs.md): `Reader`')
  const page = pages.get('read-logs.md')!
  for (const text of [
    '## Reader',
    '```ts\nclass Reader\n```',
    'Reads a log.',
    'Throws: ReplayError input',
    '### Reader.open',
    '- `log`: its directory',
  ])
    expect(page).toContain(text)
})
