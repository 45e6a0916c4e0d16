/** `npm run local:up [port]`: LocalStack with the stack deployed, until `npm run local:down`. */
import { LOCAL_REGION } from './deployment.ts'
import { startCloud } from './local-cloud.ts'
import { savedServers } from './local-state.ts'

const port = Number(process.argv[2] ?? 4566)
const running = savedServers().find((server) => server.endpoint.endsWith(`:${port}`))

if (running !== undefined) {
  fail(`LocalStack was started at ${running.endpoint} already; \`npm run local:down ${port}\` ends it`)
} else if (!Number.isInteger(port) || port < 1024 || port > 65_535) {
  fail(`expected a port from 1024 to 65535, found ${process.argv[2]}`)
} else {
  try {
    const cloud = await startCloud({ port }, (line) => console.error(`${line} …`))
    console.log(`
LocalStack answers at ${cloud.server.endpoint} (this machine alone); stack ${cloud.stack}:
${Object.entries(cloud.outputs)
  .map(([name, value]) => `  ${name.padEnd(18)} ${value}`)
  .join('\n')}

Use it in this shell:
  export AWS_ENDPOINT_URL=${cloud.server.endpoint} AWS_ACCESS_KEY_ID=test AWS_SECRET_ACCESS_KEY=test AWS_REGION=${LOCAL_REGION}
  npx chronicle-replay submit bars --stack ${cloud.stack} --archive s3://${cloud.outputs.ArchiveBucket} --table s3://${cloud.outputs.TableBucket}/bars

Logs of LocalStack and of every job: ${cloud.server.state}
End it with: npm run local:down${port === 4566 ? '' : ` ${port}`}`)
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error))
  }
}

function fail(message: string): void {
  console.error(message)
  process.exitCode = 1
}
