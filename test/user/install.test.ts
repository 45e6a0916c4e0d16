import fs from 'node:fs'
import path from 'node:path'
import { beforeAll, describe, expect, inject, it } from 'vitest'
import { engineHash } from '../../core/job/engine-hash.ts'
import { emptyProject, makeClone, NODES, type NodeMajor, printed, ROOT, typed } from './machine.ts'
import { addTypeScript, expectLibrary, expectWorks } from './project.ts'

const clone = inject('clone')
const home = path.dirname(clone)
const project = path.join(home, 'installed')
const TARBALL = '../chronicle-replay/chronicle-replay-0.1.0.tgz'
const INSTALL = 'npm install --prefer-offline'

describe('a package made by npm pack', () => {
  beforeAll(() => {
    emptyProject(project, 20)
    printed(`${INSTALL} ${TARBALL}`, project, 20)
    addTypeScript(project, 20)
  })

  it('brings command, library and types', () => {
    expectWorks(project, 20)
    for (const node of [22, 24] as const) expectLibrary(project, node)
  })

  it('is the same engine as the sources it was made of', async () => {
    const [plan] = fs.globSync(path.join(project, 'flow/_chronicle/runs/*/plan.json'))
    expect(JSON.parse(fs.readFileSync(plan!, 'utf8')).engine).toBe(await engineHash())
  })

  it('holds what runs, and neither sources nor tests', () => {
    const files = fs.readdirSync(path.join(project, 'node_modules/chronicle-replay'), { recursive: true, encoding: 'utf8' })
    expect(
      files.filter(
        (name) => /(^|\/)(test|tools|bench|infra|functions|localstack)(\/|$)|(?<!\.d)\.ts$/.test(name) && !/core\/page/.test(name),
      ),
    ).toEqual([])
  })

  it('may be made of dist/, too', () => {
    printed('npm pack ./dist --pack-destination ..', clone)
    printed(`${INSTALL} ../chronicle-replay-0.1.0.tgz`, project, 22)
    expect(fs.existsSync(path.join(project, 'node_modules/chronicle-replay/core/index.js'))).toBe(true)
    expectWorks(project, 24)
  })
})

describe('a clone, installed by its folder', () => {
  const linked = path.join(home, 'linked')
  beforeAll(() => {
    emptyProject(linked, 24)
    addTypeScript(linked, 24)
  })

  it('brings command, library and types, by any npm', () => {
    for (const node of NODES) {
      printed(`${INSTALL} ../chronicle-replay`, linked, node)
      expect(printed('npx chronicle-replay --help', linked, node)).toContain('COMMANDS')
    }
    expectWorks(linked, 24)
    expect(printed('git status --short', clone)).toBe('')
  })

  it('without its packages is refused, and says what to do', () => {
    makeClone(path.join(home, 'bare'))
    const { status, stderr } = typed(`${INSTALL} ../bare`, linked)
    expect(status).toBe(1)
    expect(stderr).toContain(`cannot be built, as its packages are not installed: run \`npm ci\` there first`)
  })

  it('without its packages and without scripts refuses to start, and says what to do', () => {
    expect(typed(`${INSTALL} --ignore-scripts ../bare`, linked).status).toBe(0)
    for (const [node, what] of [
      [20, /^error start: .* install with optional packages \(in a checkout: npm ci\), or install Node 24\n$/],
      [24, /^error start: .* run `npm ci` in .*\/bare\/\n$/],
    ] as const) {
      const { status, stdout, stderr } = typed('node_modules/.bin/chronicle-replay --help', linked, node)
      expect([status, stdout]).toEqual([2, ''])
      expect(stderr).toMatch(what)
    }
  })
})

describe('a git repository, installed by its URL', () => {
  it('brings command, library and types', { timeout: 600_000 }, () => {
    const own = path.join(home, 'from-git')
    emptyProject(own, 22)
    printed(`${INSTALL} git+file://${clone}`, own, 22)
    addTypeScript(own, 22)
    expectWorks(own, 24)
    expectLibrary(own, 20)
  })
})

describe('a lock file', () => {
  const platforms = ['linux:x64:glibc', 'linux:arm64:glibc', 'linux:x64:musl', 'darwin:arm64', 'darwin:x64', 'win32:x64', 'win32:arm64']

  it.each(NODES)('is accepted by npm ci of Node %i for every platform', (node: NodeMajor) => {
    for (const platform of platforms) {
      const [os, cpu, libc] = platform.split(':')
      const words = `--dry-run --ignore-scripts --os=${os} --cpu=${cpu} ${libc === undefined ? '' : `--libc=${libc}`}`
      const { status, stderr } = typed(`npm ci ${words}`, clone, node)
      expect([platform, status, status === 0 ? '' : stderr]).toEqual([platform, 0, ''])
    }
  })

  it('has every optional package of every platform, each with its hash, and names no host', () => {
    const text = fs.readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8')
    const { packages } = JSON.parse(text) as {
      packages: Record<string, { integrity?: string; inBundle?: boolean; optionalDependencies?: object }>
    }
    const names = new Set(Object.keys(packages).map((place) => place.replace(/^.*node_modules\//, '')))
    for (const [place, { integrity, inBundle, optionalDependencies = {} }] of Object.entries(packages)) {
      expect(
        Object.keys(optionalDependencies).filter((name) => !names.has(name)),
        place,
      ).toEqual([])
      if (place !== '' && inBundle !== true) expect(integrity, place).toMatch(/^sha512-/)
    }
    expect(text).not.toContain('"resolved"')
  })
})
