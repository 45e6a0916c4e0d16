import os from 'node:os'
import path from 'node:path'
import type { RemotePartsOptions } from '../core/table/remote-parts.ts'
import type { CommandInput, CommandIo } from './command.ts'

/** How commands read the parts of a table on S3; copies, where they are needed at all, are kept in the user's cache. */
export function remoteParts(input: CommandInput, io: CommandIo): RemotePartsOptions {
  const cache = process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache')
  return {
    cacheFolder: path.join(cache, 'chronicle-replay', 'parts'),
    httpfsFile: process.env.CHRONICLE_HTTPFS,
    onNote: (text) => (input.flag('quiet') ? undefined : io.err(`${text}\n`)),
  }
}
