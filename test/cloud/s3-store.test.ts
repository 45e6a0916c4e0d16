import fs from 'node:fs'
import path from 'node:path'
import { CreateBucketCommand, ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { randomOf } from '../../bench/simulation/random.ts'
import { openStore } from '../../core/store/open-store.ts'
import { S3Store } from '../../core/store/s3-store.ts'
import { type FaultyProxy, startFaultyProxy } from '../support/faulty-proxy.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { describeCloud } from './cloud.ts'

const text = (of: string): Uint8Array => new TextEncoder().encode(of)

describeCloud('S3 as an object store', (cloud) => {
  const { endpoint } = cloud.server
  const bucket = `store-${process.pid}-${Date.now()}`
  const store = (prefix: string, more: object = {}): S3Store => new S3Store({ bucket, prefix, endpoint, ...more })
  let client: S3Client

  beforeAll(async () => {
    client = new S3Client({ endpoint, forcePathStyle: true, region: 'us-east-1' })
    await client.send(new CreateBucketCommand({ Bucket: bucket }))
  })
  afterAll(() => client.destroy())

  test('gets objects and ranges of them, and says what is not there or not the same', async () => {
    const s3 = store('get')
    const etag = (await s3.put('a/b', text('hello')))!
    expect(await s3.get('a/b')).toEqual({ bytes: text('hello'), etag })
    expect((await s3.get('a/b', { range: { start: 1, end: 3 } }))!.bytes).toEqual(text('el'))
    expect((await s3.get('a/b', { range: { start: 3, end: 99 } }))!.bytes).toEqual(text('lo'))
    expect((await s3.get('a/b', { range: { start: 50, end: 99 } }))!.bytes).toHaveLength(0)
    expect((await s3.get('a/b', { range: { start: 2, end: 2 }, ifMatch: etag }))!.bytes).toHaveLength(0)
    expect(await s3.get('a/c')).toBeNull()
    await s3.put('a/b', text('other'))
    await expect(s3.get('a/b', { ifMatch: etag })).rejects.toMatchObject({ code: 'object-changed', category: 'input' })
    await s3.delete('a/b')
    await s3.delete('a/b')
    expect(await s3.get('a/b')).toBeNull()
  })

  test('puts on a condition, whole and in parts', async () => {
    const s3 = store('put', { partBytes: 5 << 20 })
    const file = path.join(temporaryFolder('s3-put'), 'big')
    const big = Buffer.alloc((5 << 20) * 2 + 17, 'chronicle')
    fs.writeFileSync(file, big)
    for (const content of [text('small'), { file, size: big.length }, new Uint8Array(big)]) {
      const key = `object-${content instanceof Uint8Array ? content.length : 'file'}`
      const etag = (await s3.put(key, content, 'absent'))!
      expect(etag).toBeTypeOf('string')
      expect(await s3.put(key, content, 'absent')).toBeNull()
      expect(await s3.put(key, content, { ifMatch: '"other"' })).toBeNull()
      expect(await s3.put(key, content, { ifMatch: etag })).not.toBeNull()
      expect(await s3.put(`no-${key}`, content, { ifMatch: etag })).toBeNull()
    }
    expect(Buffer.compare((await s3.get('object-file'))!.bytes, big)).toBe(0)
    await expect(s3.put('short', { file, size: big.length + 1 })).rejects.toMatchObject({ code: 'content-changed' })
    // What was refused or failed leaves no parts behind.
    expect((await client.send(new ListMultipartUploadsCommand({ Bucket: bucket }))).Uploads ?? []).toEqual([])
  })

  test('lists more keys than a page holds, in the order of code units', async () => {
    const s3 = store('list')
    const names = Array.from({ length: 1100 }, (_, i) => `n/${String(i).padStart(5, '0')}`)
    names.push('n/a\u{1f600}', 'n/a\uff5e', 'n/a\ufffd1', 'n/b')
    for (let at = 0; at < names.length; at += 50) await Promise.all(names.slice(at, at + 50).map((name) => s3.put(name, text('x'))))
    await store('listing-of-another').put('n/other', text('x'))
    const found: string[] = []
    for await (const { key, size } of s3.list('n/')) {
      expect(size).toBe(1)
      found.push(key)
    }
    expect(found).toEqual(names.toSorted())
    expect(s3.counts.lists).toBe(2)
  })

  test('what only the user can mend is said as such', async () => {
    await expect(openStore(`s3://${bucket}-not`, { endpoint }).get('a')).rejects.toMatchObject({ code: 'store-missing', category: 'input' })
    await expect(openStore(`s3://${bucket}-not/x`, { endpoint }).put('a', text(''))).rejects.toMatchObject({ code: 'store-missing' })
    const quick = { tries: 2, pause: async () => undefined }
    const nobody = openStore(`s3://${bucket}`, { endpoint: 'http://127.0.0.1:9', retry: quick })
    await expect(nobody.get('a')).rejects.toMatchObject({ code: 'store-unreachable', category: 'transient' })
  })

  test('through faults: every put is answered once and truly, and retries are counted', async () => {
    const seed = Date.now() % 1e9
    console.log(`faults of seed ${seed}`)
    const proxy: FaultyProxy = await startFaultyProxy(endpoint, 0.3, randomOf(seed))
    try {
      const s3 = store('faulty', { endpoint: proxy.endpoint, partBytes: 5 << 20, retry: { firstPauseMs: 10, tries: 15 } })
      const big = new Uint8Array((5 << 20) * 2 + 5).fill(3)
      for (let i = 0; i < 40; i++) {
        const etag = await s3.put(`k${i}`, text(`value ${i}`), 'absent')
        expect(etag, `put ${i}`).not.toBeNull()
        expect(await s3.put(`k${i}`, text(`value ${i}`), 'absent'), `put ${i} again`).toBeNull()
        expect(await s3.get(`k${i}`, { ifMatch: etag! })).toEqual({ bytes: text(`value ${i}`), etag })
        expect(await s3.put(`k${i}`, text(`changed ${i}`), { ifMatch: etag! }), `change ${i}`).not.toBeNull()
      }
      for (let i = 0; i < 4; i++) {
        expect(await s3.put(`big${i}`, big, 'absent'), `big ${i}`).not.toBeNull()
        expect(await s3.put(`big${i}`, big, 'absent'), `big ${i} again`).toBeNull()
      }
      const found = await Array.fromAsync(s3.list(''))
      expect(found).toHaveLength(44)
      expect(s3.counts.retries).toBeGreaterThan(0)
      for (const [fault, count] of Object.entries(proxy.faults)) expect(count, fault).toBeGreaterThan(0)
    } finally {
      await proxy.close()
    }
  })
})
