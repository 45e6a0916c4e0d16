import fs from 'node:fs'
import fsPromises from 'node:fs/promises'
import path from 'node:path'
import { expect, test, vi } from 'vitest'
import { commitParts, EVERY_TYPE, madeAdd } from '../../bench/made/made-table.ts'
import { FileStore } from '../../core/store/file-store.ts'
import { readTable } from '../../core/table/delta-log.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const SCHEMA = { job: 'flow', columns: EVERY_TYPE }

test('a folder that cannot be written to', async () => {
  const root = temporaryFolder('store-errors')
  fs.writeFileSync(path.join(root, 'file'), '')
  await expect(new FileStore(path.join(root, 'file')).put('a/b', new Uint8Array(1))).rejects.toMatchObject({
    code: 'store-not-writable',
    category: 'input',
  })
})

test('an object that cannot be removed', async () => {
  if (fs.existsSync('/proc/self/status')) {
    await expect(new FileStore('/proc/self').delete('status')).rejects.toMatchObject({ code: 'store-not-writable', category: 'input' })
  }
  const root = temporaryFolder('store-errors')
  fs.mkdirSync(path.join(root, 'folder'))
  const store = new FileStore(root)
  await expect(store.delete('folder')).rejects.toMatchObject({ code: 'store-not-writable', category: 'input' })
  fs.writeFileSync(path.join(root, 'file'), '')
  await Promise.all(['none', 'none/at/all', 'file/below'].map((key) => store.delete(key)))
  expect(fs.readdirSync(root)).toEqual(['file', 'folder'])
})

test('a full disk: one clear error, and the table is as it was', async () => {
  const store = new FileStore(temporaryFolder('store-full'))
  await commitParts(store, SCHEMA, [madeAdd('a.parquet')])
  const open = fsPromises.open
  const full = vi.spyOn(fsPromises, 'open').mockImplementation(async (...args) => {
    const file = await open(...args)
    if (args[1] === 'wx')
      file.writeFile = () => Promise.reject(Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }))
    return file
  })
  try {
    await expect(commitParts(store, SCHEMA, [madeAdd('b.parquet')])).rejects.toMatchObject({ code: 'disk-full', category: 'input' })
  } finally {
    full.mockRestore()
  }
  expect(await readTable(store)).toMatchObject({ version: 0 })
  expect(fs.globSync('**/*.tmp', { cwd: store.uri })).toEqual([])
  expect(await commitParts(store, SCHEMA, [madeAdd('b.parquet')])).toMatchObject({ version: 1, written: true })
})
