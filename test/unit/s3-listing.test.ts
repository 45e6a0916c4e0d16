import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openStore } from '../../core/store/open-store.ts'

const CREDENTIALS = { accessKeyId: 'a', secretAccessKey: 'b' }
const NAMES = [
  'v1/a/1.q',
  'v1/a/b &amp; c/&quot;x&quot;',
  'v1/a/&lt;Key&gt;',
  'v1/a/&#x9;&#233;',
  'v1/a/\u{1f600}',
  'v1/a/folder/',
  'v1/a/&amp;amp;',
]
const PAGE = `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>logs</Name><Prefix>v1/</Prefix><IsTruncated>false</IsTruncated>${NAMES.map(
  (key, i) =>
    `<Contents><Key>${key}</Key><LastModified>2024-03-01T00:00:0${i}.000Z</LastModified><ETag>&quot;${i}&quot;</ETag><Size>${i}</Size><Owner><ID>x</ID></Owner></Contents>`,
).join(
  '\n',
)}<CommonPrefixes><Prefix>v1/a/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>v1/&amp;/</Prefix></CommonPrefixes></ListBucketResult>`

describe('a page of a listing of S3', () => {
  let answer = { status: 200, body: PAGE }
  const asked: string[] = []
  const server = http.createServer((request, response) => {
    asked.push(request.url!)
    response.writeHead(answer.status, { 'content-type': 'application/xml' }).end(answer.body)
  })
  let endpoint = ''

  beforeAll(async () => {
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(() => void server.close())

  const store = () => openStore('s3://logs', { endpoint, credentials: CREDENTIALS, retry: { tries: 2, pause: async () => undefined } })

  it('is read as the SDK reads it', async () => {
    answer = { status: 200, body: PAGE }
    const client = new S3Client({ endpoint, forcePathStyle: true, region: 'us-east-1', credentials: CREDENTIALS })
    const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'logs' }))
    const found = await Array.fromAsync(store().list('v1/'))
    const wanted = Contents.filter(({ Key }) => !Key!.endsWith('/')).map(({ Key, Size, ETag, LastModified }) => ({
      ...{ key: Key, size: Size, etag: ETag, modifiedMs: LastModified!.getTime() },
    }))
    const byKey = (a: { key?: string | undefined }, b: { key?: string | undefined }) => (a.key! < b.key! ? -1 : 1)
    expect(found.sort(byKey)).toEqual(wanted.sort(byKey))
    expect(found).toHaveLength(NAMES.length - 1)
  })

  it('tells folders, and lists a stretch from behind its begin to its end', async () => {
    answer = { status: 200, body: PAGE }
    expect(await Array.fromAsync(store().folders!('v1/'))).toEqual(['v1/a/', 'v1/&/'])
    expect(asked.at(-1)).toContain('delimiter=%2F')
    const found = await Array.fromAsync(store().list('v1/', undefined, { after: 'v1/9/', upTo: 'v1/a/1.q' }))
    expect(found.map(({ key }) => key)).toEqual(['v1/a/1.q'])
    expect(asked.at(-1)).toContain('start-after=v1%2F9%2F')
  })

  it('that is an error or no page is told as before', async () => {
    answer = { status: 404, body: '<Error><Code>NoSuchBucket</Code><Message>none</Message></Error>' }
    await expect(Array.fromAsync(store().list(''))).rejects.toMatchObject({ code: 'store-missing' })
    answer = { status: 503, body: '<Error><Code>SlowDown</Code><Message>less</Message></Error>' }
    const slow = store()
    await expect(Array.fromAsync(slow.list(''))).rejects.toMatchObject({ category: 'transient' })
  })
})
