import { main } from '../../cli/main.ts'

export interface CliResult {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** Runs a command line in this process, as a terminal-less shell would see it. */
export async function runCli(...argv: string[]): Promise<CliResult> {
  let [out, err] = ['', '']
  const code = await main(argv, {
    out: (data) => {
      out += typeof data === 'string' ? data : Buffer.from(data).toString('latin1')
    },
    err: (text) => {
      err += text
    },
    redraws: false,
    outIsTerminal: false,
  })
  return { code, out, err }
}
