/** `npm run local:down [port]`: ends what `npm run local:up` started. */
import { stopServer } from './local-server.ts'
import { savedServers } from './local-state.ts'

const port = process.argv[2] ?? '4566'
const server = savedServers().find(({ endpoint }) => endpoint.endsWith(`:${port}`))
if (server === undefined) {
  console.log(`no LocalStack is running at port ${port}`)
} else {
  await stopServer(server)
  console.log(`LocalStack at ${server.endpoint} has ended; its logs stay in ${server.state}`)
}
