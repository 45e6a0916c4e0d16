import { spawn } from 'node:child_process'
import { once } from 'node:events'
import fs from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { openStore } from '../../core/store/open-store.ts'
import { describeGolden, goldenPath } from '../golden-data.ts'
import { runCli } from '../support/run-cli.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { hexOf } from '../support/tree-digest.ts'
import { uploadFolder } from '../support/upload-folder.ts'
import { describeCloud } from './cloud.ts'

const root = temporaryFolder('cloud-import')

describeCloud('an import from one bucket into another', (cloud) => {
  const { endpoint } = cloud.server
  const source = `s3://${cloud.outputs.ArchiveBucket}/downloads`
  const FOLDERS = ['captures/tardis', 'captures/recorder/cm']

  /** What is below a place on S3, as files here. */
  async function download(uri: string, name: string): Promise<string> {
    const folder = path.join(root, name)
    const store = openStore(uri, { endpoint })
    for await (const { key } of store.list('v1/')) {
      fs.mkdirSync(path.dirname(path.join(folder, key)), { recursive: true })
      fs.writeFileSync(path.join(folder, key), (await store.get(key))!.bytes)
    }
    return folder
  }

  describeGolden('of samples', () => {
    test('killed and begun again gives the logs of one on disk, byte for byte', async () => {
      const [here, there] = [path.join(root, 'here'), `s3://${cloud.outputs.TableBucket}/imported`]
      for (const below of FOLDERS) await uploadFolder(goldenPath(), openStore(source, { endpoint }), below)
      // Of what no two files hold.
      const arrived = fs.globSync(['captures/tardis/{binance-futures,okex}_*.gz', 'captures/recorder/cm/*.gz'], { cwd: goldenPath() })
      const files = arrived.sort().map((file) => goldenPath(file))
      expect((await runCli('import', ...files, '--archive', here, '--quiet')).code).toBe(0)
      const objects = files.map((file) => `${source}/${path.relative(goldenPath(), file)}`)
      const bin = path.resolve(import.meta.dirname, '../../cli/bin.mjs')
      const argv = [bin, 'import', ...objects, '--archive', there, '--endpoint', endpoint, '--workers', '2', '--quiet']
      for (const killMs of [1500, 3000, null]) {
        const child = spawn(process.execPath, argv, { stdio: 'ignore' })
        const timer = killMs === null ? undefined : setTimeout(() => child.kill('SIGKILL'), killMs)
        const [code] = (await once(child, 'exit')) as [number | null]
        clearTimeout(timer)
        if (killMs === null) expect(code).toBe(0)
      }
      // Objects are told apart by their ETags, files by their hashes: only meta.json says which.
      const logs = (folder: string): string => hexOf(path.join(folder, 'v1'), /\.(?:q|idx)$/)
      expect(logs(await download(there, 'there'))).toBe(logs(here))
      const again = await runCli('import', ...objects, '--archive', there, '--endpoint', endpoint, '--json')
      expect(JSON.parse(again.out)).toMatchObject({ counts: { rows: 0 }, failed: [] })
    })
  })
})
