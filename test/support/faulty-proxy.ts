import http from 'node:http'
import type { AddressInfo } from 'node:net'

/** What becomes of a request. */
export type ProxyFault = 'internal' | 'slow-down' | 'reset' | 'reset-inside' | 'late' | 'lost-answer'

export interface FaultyProxy {
  /** To be used in place of the service's. */
  readonly endpoint: string
  /** How often each fault happened. */
  readonly faults: Readonly<Record<ProxyFault, number>>
  readonly requests: () => number
  close(): Promise<void>
}

const FAULTS: readonly ProxyFault[] = ['internal', 'slow-down', 'reset', 'reset-inside', 'late', 'lost-answer']
const LATE_MS = 400

/**
 * An HTTP proxy on loopback in front of a service: a share of the requests goes wrong, each in one of the ways in which networks
 * and S3 do. `lost-answer`: the service does what is asked, and the connection ends before the answer.
 * @param share of requests, 0 to 1 @param random numbers in [0, 1) @param onRequest sees each as it comes
 */
export async function startFaultyProxy(
  target: string,
  share: number,
  random: () => number,
  onRequest: (request: http.IncomingMessage) => void = () => {},
): Promise<FaultyProxy> {
  const faults: Record<ProxyFault, number> = { internal: 0, 'slow-down': 0, reset: 0, 'reset-inside': 0, late: 0, 'lost-answer': 0 }
  let requests = 0
  const { hostname, port } = new URL(target)
  const agent = new http.Agent({ keepAlive: true })
  const server = http.createServer((request, response) => {
    requests++
    onRequest(request)
    const fault = random() < share ? FAULTS[Math.floor(random() * FAULTS.length)]! : null
    if (fault !== null) faults[fault]++
    if (fault === 'reset') return void request.socket.destroy()
    if (fault === 'internal' || fault === 'slow-down') {
      request.resume()
      request.on('end', () => refuse(response, fault))
      return
    }
    const options = { hostname, port, agent, method: request.method, path: request.url, headers: request.headers }
    const onward = http.request(options, (answer) => {
      if (fault === 'lost-answer') {
        answer.resume()
        answer.on('end', () => request.socket.destroy())
        return
      }
      response.writeHead(answer.statusCode!, answer.headers)
      if (fault === 'reset-inside') {
        answer.once('data', (chunk: Buffer) => response.write(chunk.subarray(0, chunk.length >> 1), () => request.socket.destroy()))
        answer.on('end', () => request.socket.destroy())
      } else if (fault === 'late') setTimeout(() => answer.pipe(response), LATE_MS)
      else answer.pipe(response)
    })
    onward.on('error', () => request.socket.destroy())
    request.pipe(onward)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    faults,
    requests: () => requests,
    async close() {
      agent.destroy()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function refuse(response: http.ServerResponse, fault: 'internal' | 'slow-down'): void {
  const [status, code] = fault === 'internal' ? [500, 'InternalError'] : [503, 'SlowDown']
  response.writeHead(status, { 'content-type': 'application/xml' })
  response.end(`<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>as ordered</Message></Error>`)
}
