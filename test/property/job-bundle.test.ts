import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { bundleJob, loadJob } from '../../core/job/bundle.ts'
import { engineHash, engineHashOf, engineSourcesHash } from '../../core/job/engine-hash.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const MODULE = `
import { defineJob } from 'chronicle-replay'
import { scale } from './lib/scale.ts'
interface Unused { readonly a: number }
export default defineJob({
  name: 'mine', streams: ['trades'], params: { every: '1s' }, columns: { price: 'f64' },
  trigger: (p) => ({ every: p.every }),
  create: () => ({ row(out) { out.price = scale } }),
})
`

function makeModule(folder: string, module = MODULE): string {
  mkdirSync(path.join(folder, 'lib'), { recursive: true })
  writeFileSync(path.join(folder, 'job.ts'), module)
  writeFileSync(path.join(folder, 'lib', 'scale.ts'), 'export const scale: number = 7\n')
  return path.join(folder, 'job.ts')
}

describe('bundleJob', () => {
  const root = temporaryFolder('job-bundle')

  it('gives the same code wherever a module lies, and loads it with the host’s library', async () => {
    const first = await bundleJob(makeModule(path.join(root, 'a')))
    const second = await bundleJob(makeModule(path.join(root, 'b', 'c')))
    expect(second).toEqual(first)
    expect(first.code).not.toContain(root)
    const job = await loadJob(first.code, 'job.ts')
    expect(job.name).toBe('mine')
    expect(job.params).toEqual({ every: '1s' })
  })

  it('has another hash for other code, also of a module that it imports, and not for other types', async () => {
    const { hash } = await bundleJob(makeModule(path.join(root, 'd')))
    writeFileSync(path.join(root, 'd', 'lib', 'scale.ts'), 'export const scale: number = 8\n')
    expect((await bundleJob(path.join(root, 'd', 'job.ts'))).hash).not.toBe(hash)
    const retyped = MODULE.replace('readonly a: number', 'readonly a: string')
    expect((await bundleJob(makeModule(path.join(root, 'e'), retyped))).hash).toBe(hash)
  })

  it('takes plain JavaScript and built-in names', async () => {
    writeFileSync(path.join(root, 'plain.mjs'), MODULE.replace(/import \{ scale.*\n/, 'const scale = 1\n').replace(/interface.*\n/, ''))
    const plain = await bundleJob(path.join(root, 'plain.mjs'))
    expect((await loadJob(plain.code, 'plain.mjs')).name).toBe('mine')
    const bars = await bundleJob('bars')
    expect((await loadJob(bars.code, 'bars')).name).toBe('bars')
  })

  it('says what is wrong', async () => {
    const bundled = async (module: string): Promise<string> => (await bundleJob(makeModule(path.join(root, 'f'), module))).code
    await expect(bundleJob('barz')).rejects.toMatchObject({ code: 'job-unknown', message: expect.stringContaining('did you mean bars?') })
    await expect(bundled('export default {')).rejects.toMatchObject({
      code: 'job-bundle',
      message: expect.stringMatching(/job\.ts:1/),
    })
    await expect(bundled("import x from './missing.ts'\nexport default x")).rejects.toMatchObject({ code: 'job-bundle' })
    await expect(loadJob(await bundled('export const a = 1'), 'f')).rejects.toMatchObject({ code: 'job-missing' })
    await expect(loadJob(await bundled("throw new Error('no')"), 'f')).rejects.toMatchObject({ code: 'job-failed' })
    const invalid = MODULE.replace("'f64'", "'f65'")
    await expect(loadJob(await bundled(invalid), 'f')).rejects.toMatchObject({ code: 'job-invalid' })
  })
})

describe('engineHash', () => {
  it('is that of the sources as they are, whatever was kept of an earlier look at them', async () => {
    const hash = await engineHash()
    expect(hash).toMatch(/^[0-9a-f]{32}$/)
    expect(hash).toBe(engineHashOf(await engineSourcesHash(), process.versions.node))
  })
})
