import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { sessionProcesses } from '../../localstack/local-server.ts'
import { savedServers } from '../../localstack/local-state.ts'
import { describeCloud } from './cloud.ts'
import { freePort } from './free-port.ts'

describeCloud('npm run local:up', () => {
  const own: number[] = []
  const script = (name: string, ...args: readonly string[]) => {
    const file = path.resolve(import.meta.dirname, '../../localstack', name)
    const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args], { encoding: 'utf8' })
    return { status, stdout, stderr }
  }

  afterAll(() => {
    for (const port of own) script('down.ts', String(port))
  })

  test('stays, says how to use it, and is ended by local:down', async () => {
    const port = await freePort()
    own.push(port)
    const up = script('up.ts', String(port))
    expect(up.status, up.stderr).toBe(0)
    expect(up.stdout).toContain(`export AWS_ENDPOINT_URL=http://127.0.0.1:${port} `)
    expect(up.stdout).toMatch(/npx chronicle-replay submit bars --stack \S+ --archive s3:\/\/\S+ --table s3:\/\/\S+\/bars/)
    const server = savedServers().find(({ endpoint }) => endpoint.endsWith(`:${port}`))!
    expect((await fetch(`${server.endpoint}/_localstack/health`)).status).toBe(200)

    const again = script('up.ts', String(port))
    expect([again.status, again.stderr]).toEqual([1, expect.stringContaining('npm run local:down')])

    const down = script('down.ts', String(port))
    expect(down.status, down.stderr).toBe(0)
    await expect(fetch(server.endpoint)).rejects.toThrow('fetch failed')
    if (server.pid !== null) expect(sessionProcesses(server.pid)).toEqual([])
    expect(savedServers()).not.toContainEqual(server)
  })
})
