import fs from 'node:fs'
import net from 'node:net'
import os from 'node:os'
import { expect, test } from 'vitest'
import { sessionProcesses } from '../../localstack/local-server.ts'
import { describeCloud } from './cloud.ts'

const LISTENS = '0A'

describeCloud('LocalStack', (cloud) => {
  const port = Number(new URL(cloud.server.endpoint).port)

  test('answers on loopback, and on no other address of this machine', async () => {
    expect(await connects('127.0.0.1')).toBe(true)
    const others = Object.values(os.networkInterfaces()).flatMap((addresses) => addresses!.filter(({ internal }) => !internal))
    for (const { address } of others) expect(await connects(address), address).toBe(false)
  })

  test.runIf(process.platform === 'linux' && cloud.server.pid !== null)('neither it nor what it started listens anywhere else', () => {
    const processes = sessionProcesses(cloud.server.pid!)
    expect(processes).toContain(cloud.server.pid)
    const listening = processes.flatMap(listeningAddresses)
    expect(listening).toEqual([`127.0.0.1:${port}`])
  })

  function connects(address: string): Promise<boolean> {
    const socket = net.connect({ host: address, port, timeout: 2000 })
    return new Promise<boolean>((resolve) => {
      socket
        .on('connect', () => resolve(true))
        .on('error', () => resolve(false))
        .on('timeout', () => resolve(false))
    }).finally(() => socket.destroy())
  }
})

/** Addresses that a process listens on, from the tables of the kernel; IPv6 as it is there. */
function listeningAddresses(pid: number): string[] {
  const sockets = new Set(
    fs.readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
      try {
        return fs.readlinkSync(`/proc/${pid}/fd/${fd}`).match(/^socket:\[(\d+)\]$/)?.[1] ?? []
      } catch {
        return [] // closed meanwhile
      }
    }),
  )
  return ['tcp', 'tcp6'].flatMap((table) => {
    const rows = fs.readFileSync(`/proc/${pid}/net/${table}`, 'utf8').trim().split('\n').slice(1)
    const own = rows.map((row) => row.trim().split(/\s+/)).filter((row) => row[3] === LISTENS && sockets.has(row[9]!))
    return own.map((row) => addressText(row[1]!))
  })
}

/** `0100007F:11D6` → `127.0.0.1:4566`. */
function addressText(hex: string): string {
  const [address, port] = hex.split(':') as [string, string]
  const host = address.length === 8 ? Buffer.from(address, 'hex').reverse().join('.') : address
  return `${host}:${Number.parseInt(port, 16)}`
}
