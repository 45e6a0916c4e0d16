import path from 'node:path'

/** Folder of the Batch plugin, as Python finds installed packages. */
export const PLUGIN = path.join(import.meta.dirname, 'batch-plugin')

/** What a LocalStack is started with. */
export interface ServerOptions {
  readonly port: number
  /** What runs for other container images than the project's: pattern of the image's name → program. @default none */
  readonly programs?: Readonly<Record<string, readonly string[]>>
  /** Batch jobs that run at once. @default the number of processors */
  readonly slots?: number
  /** Seconds between a job's SIGTERM and its SIGKILL. @default 30, as on AWS */
  readonly graceSeconds?: number
  /** LocalStack ends by itself when this process has ended. @default none */
  readonly parent?: number
}

/** Settings of LocalStack and of the plugin that do not depend on where they run. */
export function serverSettings(options: ServerOptions, state: string, program: readonly string[]): Record<string, string> {
  return {
    GATEWAY_SERVER: 'chronicle',
    DISABLE_EVENTS: '1',
    SKIP_SSL_CERT_DOWNLOAD: '1',
    DNS_ADDRESS: '0',
    CFN_IGNORE_UNSUPPORTED_RESOURCE_TYPES: '1', // the dashboard, flow logs and the like, which runs do not need
    CHRONICLE_BATCH_STATE: path.posix.join(state, 'batch'),
    CHRONICLE_BATCH_IMAGES: JSON.stringify({ ...options.programs, '': program }),
    ...(options.slots === undefined ? {} : { CHRONICLE_BATCH_SLOTS: String(options.slots) }),
    ...(options.graceSeconds === undefined ? {} : { CHRONICLE_BATCH_GRACE: String(options.graceSeconds) }),
  }
}
