/** `tls-archive.ts FOLDER PORT-FILE`: serves the files of a folder as the bucket `archive` of an S3 of its own, through TLS, until its parent ends. */
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import https from 'node:https'
import type { AddressInfo } from 'node:net'
import os from 'node:os'
import path from 'node:path'
import { isProgram } from '../../core/is-program.ts'
import { FileStore } from '../../core/store/file-store.ts'

const BUCKET = '/archive/'

if (isProgram(import.meta.filename)) {
  const server = serveThroughTls(new FileStore(process.argv[2]!))
  server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
  process.on('disconnect', () => process.exit())
}

/** What reading needs of S3: objects and ranges of them, and listings in one page. */
function serveThroughTls(files: FileStore): https.Server {
  return https.createServer({ ...ownCertificate(), keepAlive: true }, async (request, response) => {
    const url = new URL(request.url!, 'https://localhost')
    if (url.searchParams.has('list-type')) {
      const prefix = url.searchParams.get('prefix') ?? ''
      const contents: string[] = []
      for await (const { key, size, etag } of files.list(prefix))
        contents.push(`<Contents><Key>${key}</Key><ETag>"${etag}"</ETag><Size>${size}</Size></Contents>`)
      const folders = url.searchParams.has('delimiter') ? '' : contents.join('')
      response.end(`<ListBucketResult><IsTruncated>false</IsTruncated>${folders}</ListBucketResult>`)
      return
    }
    const [, begin, last] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []
    const range = begin === undefined ? undefined : { start: Number(begin), end: Number(last) + 1 }
    const found = await files.get(decodeURIComponent(url.pathname.slice(BUCKET.length)), { range })
    if (found === null) response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>')
    else
      response
        .writeHead(range === undefined ? 200 : 206, { etag: `"${found.etag}"`, 'content-length': found.bytes.length })
        .end(found.bytes)
  })
}

/** A key and a certificate that nobody trusts. */
function ownCertificate(): { readonly key: Buffer; readonly cert: Buffer } {
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'chronicle-replay-tls-'))
  const [key, cert] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')]
  try {
    const words = ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '1', '-subj', '/CN=localhost']
    execFileSync('openssl', [...words, '-keyout', key, '-out', cert], { stdio: 'pipe' })
    return { key: fs.readFileSync(key), cert: fs.readFileSync(cert) }
  } finally {
    fs.rmSync(folder, { recursive: true, force: true })
  }
}
